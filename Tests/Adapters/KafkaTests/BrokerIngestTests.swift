import Foundation
import Model
import PartitionCore
import Ports
import Streams
import Synchronization
import TestSupport
import Testing

@testable import Kafka

/// Ingest topics on a real broker, written by Kafka's own producer.
extension BrokerSuite {
  @Suite struct IngestTests {
    private let owner = OwnerID(epoch: 1, run: 1)
    private let partition = PartitionID(.stock, 0)

    /// What one owner was given.
    private final class Given: Sendable {
      let inputs = Mutex<[LoggedInput]>([])
      let reported = Mutex<[RequestID]>([])
      let events = Mutex<[String]>([])

      var numbers: [UInt64] { inputs.withLock { $0.compactMap(\.origin?.number) } }

      func take(_ event: IngestEvent) -> Bool {
        switch event {
        case .inputs(let new, _, _): inputs.withLock { $0 += new }
        case .reported(let new, _, _): reported.withLock { $0 += new }
        }
        return true
      }
    }

    private func options() throws -> KafkaOptions {
      let options = try Broker.options(partitions: 1)
      var plan = Broker.plan(options)
      plan.hasIngest = true
      _ = try TopicAdministration(options).create(plan)
      return options
    }

    private func ingest(_ options: KafkaOptions, _ given: Given, skipsLost: Bool = false) throws -> KafkaIngest {
      let ingest = try KafkaIngest(
        options, skipsLost: skipsLost, describe: { ("refused", "\($0.request.number) is refused") },
        report: { event in given.events.withLock { $0.append("\(event)") } })
      ingest.attach { given.take($0) }
      return ingest
    }

    private func produce(_ lines: [String], _ options: KafkaOptions) throws {
      try Broker.tool(
        [
          "org.apache.kafka.tools.ConsoleProducer", "--bootstrap-server", Broker.address, "--topic",
          options.ingestTopic(of: .stock), "--reader-property", "parse.key=true", "--reader-property",
          "key.separator=|",
        ], input: lines.map { $0 + "\n" }.joined())
    }

    private func add(_ numbers: Range<Int>) -> [String] {
      numbers.map { #"i\#($0)|{"command":"add_stock","item":"i\#($0)","quantity":\#($0)}"# }
    }

    @Test func anOwnerGetsEverythingInOrderWithinItsRoom() throws {
      let options = try options()
      let most = IngestLimits.undurableInputsMax
      try produce(add(0..<(most + 100)), options)
      let given = Given()
      let ingest = try ingest(options, given)
      defer { ingest.close() }
      ingest.follow(partition, by: owner, after: 0)
      #expect(eventually { given.numbers.count == most })
      #expect(given.numbers == (1...UInt64(most)).map { $0 })
      #expect(eventually { ingest.statistics.partitions[partition]?.lag == Int64(most + 100) })
      #expect(given.numbers.count == most, "no more than may be undurable")
      ingest.durable(partition, by: OwnerID(epoch: 9, run: 9), through: UInt64(most))
      ingest.durable(partition, by: owner, through: UInt64(most))
      #expect(eventually { given.numbers.count == most + 100 })
      ingest.leave(partition, by: owner)
      let next = OwnerID(epoch: 2, run: 1)
      ingest.follow(partition, by: next, after: UInt64(most + 98))
      #expect(eventually { given.numbers.suffix(2) == [UInt64(most + 99), UInt64(most + 100)] })
    }

    @Test func refusedOnesAreWrittenWithWhatTheyWere() throws {
      let options = try options()
      try produce(["i1|rubbish", add(1..<2)[0], "i2|more rubbish"], options)
      let given = Given()
      let ingest = try ingest(options, given)
      defer { ingest.close() }
      ingest.follow(partition, by: owner, after: 0)
      #expect(eventually { given.numbers == [1, 2, 3] })
      let bodies = given.inputs.withLock { $0.map(\.body) }
      #expect(bodies[0] == .skip(RequestID(ingested: 1), .unreadable))
      #expect(bodies[2] == .skip(RequestID(ingested: 3), .unreadable))
      let refusal = Refusal.unknownItem(ItemID(unchecked: "i1"))
      ingest.refuse(
        [
          .skipped(RequestID(ingested: 1), .unreadable),
          .outcome(Reply(request: RequestID(ingested: 2), outcome: .refused(refusal))),
          .skipped(RequestID(ingested: 3), .unreadable),
        ], of: partition, by: owner)
      #expect(eventually { given.reported.withLock { $0.count } == 3 })
      #expect(ingest.statistics.refused[.stock] == 3)
      let said = try Broker.tool([
        "org.apache.kafka.tools.consumer.ConsoleConsumer", "--bootstrap-server", Broker.address, "--topic",
        options.refusedTopic, "--from-beginning", "--max-messages", "3", "--timeout-ms", "20000",
        "--formatter-property", "print.headers=true", "--formatter-property", "print.key=true",
      ])
      let lines = said.split(separator: "\n").map(String.init)
      #expect(lines.count == 3)
      #expect(lines.first?.hasSuffix("i1\trubbish") == true)
      #expect(lines.first?.contains("code:unreadable_command,reason:The value is not a JSON object") == true)
      #expect(lines.first?.contains("topic:\(options.ingestTopic(of: .stock)),partition:0,offset:0") == true)
      #expect(lines.dropFirst().first?.contains("code:refused,reason:2 is refused") == true)
    }

    /// What retention removed before it was taken stops the partition's ingest, unless it is to go on.
    @Test(arguments: [false, true]) func lostRecordsAreNotSkippedSilently(skipsLost: Bool) throws {
      let options = try options()
      try produce(add(0..<5), options)
      try Broker.remove(options.ingestTopic(of: .stock), before: 3)
      let given = Given()
      let ingest = try ingest(options, given, skipsLost: skipsLost)
      defer { ingest.close() }
      ingest.follow(partition, by: owner, after: 1)
      let word = skipsLost ? "continues without 2 lost records" : "begins at offset 3, and 1 comes next"
      #expect(eventually { given.events.withLock { $0.contains { $0.contains(word) } } })
      if skipsLost {
        #expect(eventually { given.numbers == [4, 5] })
      } else {
        #expect(eventually { ingest.statistics.partitions[partition]?.isStopped == true })
        #expect(given.numbers.isEmpty)
      }
    }
  }
}
