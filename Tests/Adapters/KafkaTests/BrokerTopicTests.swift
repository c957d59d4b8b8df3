import CRdKafka
import Ports
import Foundation
import Model
import TestSupport
import Testing

@testable import Kafka

/// Topics on a real broker: created, checked, mended by the commands that a refusal tells.
extension BrokerSuite {
  @Suite struct TopicTests {
    @Test func createsWhatIsMissingAndFindsNothingWrong() throws {
      let options = try Broker.options(partitions: 3)
      let plan = Broker.plan(options)
      let administration = try TopicAdministration(options)
      #expect(try administration.describe(plan).topics.isEmpty, "looking creates nothing")
      #expect(plan.findings(try administration.describe(plan)).count == plan.topics.count)
      #expect(try administration.create(plan) == plan.topics)
      #expect(try administration.create(plan).isEmpty)
      let state = try administration.describe(plan)
      #expect(plan.findings(state).map(\.description) == [])
      #expect(
        state.topics.values.allSatisfy {
          $0.partitionCount == ($0.name == options.ownersTopic ? 1 : 3) && $0.replicationFactor == 1
        })
    }

    /// A topic with wrong settings: the told commands mend all of it.
    @Test func theSuggestedCommandsFixThem() throws {
      let options = try Broker.options(partitions: 2)
      let plan = Broker.plan(options)
      let administration = try TopicAdministration(options)
      _ = try administration.create(plan)
      try Broker.tool([
        "kafka.admin.ConfigCommand", "--bootstrap-server", Broker.address, "--alter", "--entity-type", "topics",
        "--entity-name", options.topic(of: .stock), "--add-config",
        "cleanup.policy=compact,retention.ms=60000,max.message.bytes=1000",
      ])
      var findings: [TopicFinding] = []
      #expect(
        eventually {
          findings = (try? administration.describe(plan)).map { plan.findings($0) } ?? []
          return findings.count == 3
        }, "\(findings)")
      for finding in findings {
        let words = finding.remedy.split(separator: " ").map(String.init)
        #expect(words.first == "kafka-configs.sh", "\(finding)")
        try Broker.tool(["kafka.admin.ConfigCommand"] + words.dropFirst())
      }
      #expect(eventually { (try? administration.describe(plan)).map { plan.findings($0).isEmpty } ?? false })
    }

    /// A pod whose clock is ahead is heard all the same: brokers give records their own time.
    @Test func recordsOfAnHourThatHasNotComeAreTaken() throws {
      let options = try Broker.options(partitions: 2)
      _ = try TopicAdministration(options).create(Broker.plan(options))
      let now = Int64(Date().timeIntervalSince1970 * 1_000)
      try ForeignProducer(Broker.address).write(
        [1], topic: options.topic(of: orders.service), index: Int32(orders.index), time: now + 7 * 86_400_000)
      let log = try KafkaRecordLog(options: options) { _ in }
      #expect(try log.readBounds(of: [orders]) == [orders: LogBounds(first: 0, next: 1)])
      log.close()
    }

    @Test func aTopicWithAnotherCountIsRefused() throws {
      let options = try Broker.options(partitions: 2)
      _ = try TopicAdministration(options).create(Broker.plan(options))
      var other = try Broker.options(partitions: 8, prefix: options.prefix)
      other.queryTimeoutMilliseconds = 500
      let plan = Broker.plan(other)
      let findings = plan.findings(try TopicAdministration(other).describe(plan))
      #expect(findings.count == 3)
      #expect(
        findings.allSatisfy { $0.problem.contains("2 partitions, not 8") && $0.problem.contains("--partitions 2") })
      let log = try KafkaRecordLog(options: other) { _ in }
      #expect(throws: LogFailure.self) { try log.readBounds(of: [PartitionID(.orders, 5)]) }
      log.close()
    }

    /// Kafka's own Java producer chooses the partitions that `Partitioner` tells.
    @Test func javasPartitionerAgreesWithOurs() throws {
      let options = try Broker.options(partitions: 7)
      _ = try TopicAdministration(options).create(Broker.plan(options))
      let topic = options.topic(of: .orders)
      let keys = (0..<200).map { String(repeating: "k", count: $0 % 9) + String($0 * 7_919) }
      try Broker.tool(
        [
          "org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", Broker.address, "--topic", topic,
          "--reader-property", "parse.key=true", "--reader-property", "key.separator=:",
        ], input: keys.map { "\($0):x\n" }.joined())
      let said = try Broker.tool([
        "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", Broker.address, "--topic", topic,
        "--from-beginning", "--max-messages", String(keys.count), "--timeout-ms", "20000",
        "--formatter-property", "print.key=true", "--formatter-property", "print.partition=true",
      ])
      var seen: Set<String> = []
      for line in said.split(separator: "\n") {
        let parts = line.split(separator: "\t")
        guard parts.count == 3, let index = UInt16(parts[0].drop { !$0.isNumber }) else { continue }
        let key = String(parts[1])
        #expect(options.partitioner.index(of: key) == index, "\(key)")
        seen.insert(key)
      }
      #expect(seen == Set(keys), "\(said.prefix(300))")
    }
  }
}
