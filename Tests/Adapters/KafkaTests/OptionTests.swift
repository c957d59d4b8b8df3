import CRdKafka
import Ports
import Model
import TestSupport
import Testing

@testable import Kafka

/// Options, properties, and the partitioner of another client.
@Suite struct OptionTests {
  private func options(_ change: (inout KafkaOptions) -> Void) throws -> KafkaOptions {
    var options = KafkaOptions(brokers: "kafka:9092", partitioner: try #require(Partitioner(count: 8)))
    change(&options)
    return options
  }

  @Test func contradictionsAreReported() throws {
    #expect(try options { _ in }.contradiction == nil)
    let wrong: [(inout KafkaOptions) -> Void] = [
      { $0.brokers = "" }, { $0.prefix = "a b" }, { $0.prefix = String(repeating: "a", count: 250) },
      { $0.prefix = "ünsere." }, { $0.commandTimeoutMilliseconds = 1 },
      { $0.recordBytesMax = 10 }, { $0.queuedRecordsMax = 0 },
      { $0.queuedBytesMax = 1_000 }, { $0.sessionTimeoutMilliseconds = 500 },
    ]
    for (place, change) in wrong.enumerated() {
      #expect(try options(change).contradiction != nil, "number \(place)")
      #expect(throws: LogFailure.self) { try KafkaRecordLog(options: try options(change)) { _ in } }
    }
  }

  @Test func propertiesArePassedOnAndSecretsAreNotRevealed() throws {
    var properties = KafkaProperties()
    try properties.take(environment: [
      "KASSA_RDKAFKA_SASL_PASSWORD": "hunter2", "KASSA_RDKAFKA_SECURITY_PROTOCOL": "sasl_ssl", "HOME": "x",
    ])
    try properties.take(lines: "# text\nrdkafka.sasl.username=us\r\nother=1\n\nrdkafka.sasl.mechanisms=PLAIN")
    #expect(
      properties.values == [
        "sasl.password": "hunter2", "security.protocol": "sasl_ssl", "sasl.username": "us", "sasl.mechanisms": "PLAIN",
      ])
    #expect(!"\(properties)".contains("hunter2") && "\(properties)".contains("sasl.password"))
    for (name, value) in [
      ("acks", "hunter2"), ("enable.idempotence", "false"), ("group.id", "x"), ("no.such.thing", "hunter2"),
      ("retries", "1"), ("message.send.max.retries", "1"), ("enable.partition.eof", "true"),
      ("allow.auto.create.topics", "true"), ("group.protocol", "consumer"), ("queue.buffering.max.kbytes", "1"),
      ("enabled_events", "0"),
      ("security.protocol", "hunter2"), ("sasl.password", String(repeating: "hunter2", count: 20_000)),
    ] {
      #expect { try properties.set(name, value) } throws: { error in
        let text = "\(error)"
        return text.contains(name) && !text.contains("hunter2")
      }
    }
    #expect { try properties.take(lines: "\nrdkafka.acks=1") } throws: { "\($0)".contains("line 2") }
    #expect(throws: LogFailure.self) { try properties.take(lines: "rdkafka.acks") }
  }

  /// librdkafka's `murmur2_random` is Java's; keys of every length, and bytes above 127.
  @Test func librdkafkasPartitionerAgreesWithOurs() throws {
    let client = try #require(rd_kafka_new(RD_KAFKA_PRODUCER, nil, nil, 0))
    let topic = rd_kafka_topic_new(client, "kassa.orders", nil)
    defer {
      rd_kafka_topic_destroy(topic)
      rd_kafka_destroy(client)
    }
    var random = SeededGenerator(seed: 7)
    for length in 1...64 {
      for count in [1, 2, 7, 8, 64, 100, 4_096] {
        let key = (0..<length).map { _ in UInt8.random(in: 0...255, using: &random) }
        let theirs = key.withUnsafeBytes {
          rd_kafka_msg_partitioner_murmur2_random(topic, $0.baseAddress, $0.count, Int32(count), nil, nil)
        }
        let ours = try #require(Partitioner(count: count))
        #expect(key.withUnsafeBytes { Int32(ours.index(of: $0)) } == theirs, "\(key) of \(count)")
      }
    }
  }
}
