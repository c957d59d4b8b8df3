import Ports
// Not the one of the module `Testing`.
import struct Ports.Confirmation
import Foundation
import Model
import PartitionCore
import TestSupport
import Testing

@testable import Kafka

/// The log of records on a real broker.
extension BrokerSuite {
  @Suite struct RecordTests {
    private func open(
      _ appending: Appending = .library, lanes: Int = 2, _ change: (inout KafkaOptions) -> Void = { _ in }
    ) throws -> LogBench {
      let options = try Broker.options()
      _ = try TopicAdministration(options).create(Broker.plan(options))
      var own = options
      change(&own)
      return try LogBench(own, appending, lanes: lanes)
    }

    /// Four lanes, each with partitions of its own and one append under way for each: every offset is the expected one,
    /// and reading gives what was appended.
    @Test(arguments: Appending.allCases)
    func eachPartitionHasOneWriter(_ appending: Appending) throws {
      let bench = try open(appending, lanes: 4)
      let perPartition: UInt64 = 200
      let own = (0..<4).map { lane in Service.allCases.map { PartitionID($0, UInt16(lane)) } }
      for lane in 0..<4 { bench.append(own[lane].map { logAppend($0, 1) }, by: lane) }
      var confirmed: [PartitionID: UInt64] = [:]
      let areAllConfirmed = eventually {
        for lane in 0..<4 {
          for confirmation in bench.takeConfirmations(of: lane) {
            let number = (confirmed[confirmation.partition] ?? 0) + 1
            confirmed[confirmation.partition] = number
            #expect(own[lane].contains(confirmation.partition))
            #expect(confirmation.number == number && confirmation.offset == Int64(number - 1))
            guard number < perPartition else { continue }
            bench.append([logAppend(confirmation.partition, number + 1)], by: lane)
          }
        }
        return confirmed.values.reduce(0, +) >= 12 * perPartition
      }
      #expect(areAllConfirmed)
      for lane in 0..<4 {
        try bench.log.read(Dictionary(uniqueKeysWithValues: own[lane].map { ($0, 150) }), by: lane)
        let events = bench.readEvents(3, of: lane)
        for partition in own[lane] {
          let texts = events.filter { $0.partition == partition }.map(\.text)
          let expected = (150..<perPartition).map { "\(partition)@\($0)#\($0 + 1)" }
          #expect(texts == expected + ["\(partition) ends \(perPartition)"])
        }
      }
      bench.close()
    }

    /// What a turn appends to twelve partitions travels together, and is read back.
    @Test func aTurnsAppendsForABrokerAreOneRequest() throws {
      let bench = try open(.own)
      let all = Service.allCases.flatMap { service in (0..<4).map { PartitionID(service, $0) } }
      // Brokers learn one after the other of partitions that were just made.
      #expect(bench.write(all.map { logAppend($0, 1) }).allSatisfy { $0.offset == 0 })
      let before = bench.log.statistics.requests
      for number in 2...10 as ClosedRange<UInt64> {
        let confirmations = bench.write(all.map { logAppend($0, number) })
        #expect(confirmations.allSatisfy { $0.offset == Int64(number - 1) && $0.number == number })
      }
      #expect(bench.log.statistics.requests == before + 9 && bench.log.statistics.recordsAcknowledged == 120)
      try bench.log.read([payments: 8], by: 0)
      #expect(bench.readEvents().map(\.text) == ["payments-3@8#9", "payments-3@9#10", "payments-3 ends 10"])
      bench.close()
    }

    /// Kill -9 of the only broker: appends become unknown, and what is appended again after it stands once or more, in
    /// order, and ends where the log says.
    @Test(arguments: Appending.allCases)
    func outlivesTheBroker(_ appending: Appending) throws {
      let bench = try open(appending) { $0.commandTimeoutMilliseconds = 1_000 }
      #expect(bench.write([logAppend(orders, 1)]).map(\.text) == ["orders-0@0#1"])
      var number: UInt64 = 2
      var unknown = 0
      func appendOne() -> Confirmation? {
        let confirmation = bench.write([logAppend(orders, number)]).first
        if confirmation?.offset == nil { unknown += 1 } else { number += 1 }
        return confirmation
      }
      try Broker.kill()
      #expect(appendOne()?.text == "orders-0@-#2")
      try bench.log.read([orders: 0], by: 1)
      try Broker.up()
      #expect(bench.readEvents(of: 1).last?.isEnd == true, "reading goes on by itself")
      #expect(eventually { appendOne()?.offset != nil })
      #expect(eventually { appendOne()?.offset != nil && number > 20 })
      #expect(unknown > 0 && bench.log.failure == nil)
      try bench.log.read([orders: 0], by: 1)
      let events = bench.readEvents(of: 1)
      let numbers = events.compactMap { event -> UInt64? in
        if case .record(let record, _, _) = event { record.number } else { nil }
      }
      #expect(numbers == numbers.sorted() && Set(numbers) == Set(1..<number))
      #expect(events.last?.text == "orders-0 ends \(numbers.count)")
      bench.close()
    }

    /// What retention removed breaks a reading that needs it.
    @Test func aTopicEmptiedByRetentionBreaksTheReading() throws {
      let bench = try open()
      let log = bench.log
      #expect(bench.write([try ownedAppend(orders)]).count == 1)
      try log.read([orders: 1], by: 0)
      #expect(bench.readEvents().map(\.text) == ["orders-0 ends 1"])
      #expect(bench.write((UInt64(1)...20).map { logAppend(orders, $0) }).count == 20)
      _ = try log.readBounds(of: log.announced)
      #expect(log.margins == [orders: 1])
      try Broker.remove(log.options.topic(of: .orders), before: 20)
      try log.read([orders: 5], by: 0)
      #expect(bench.readEvents().map(\.text) == ["orders-0 broken"])
      #expect(try log.readBounds(of: [orders]) == [orders: LogBounds(first: 20, next: 21)])
      #expect(log.margins == [orders: 0])
      try log.read([orders: 20], by: 0)
      #expect(bench.readEvents().map(\.text) == ["orders-0@20#20", "orders-0 ends 21"])
      try log.read([orders: 22], by: 0)
      #expect(bench.readEvents().map(\.text) == ["orders-0 broken"], "beyond the end")
      log.close()
    }

    /// A topic that takes less than the options say.
    @Test(arguments: Appending.allCases)
    func aRecordThatTheTopicRefusesIsUnknownAndReported(_ appending: Appending) throws {
      let bench = try open(appending) { $0.recordBytesMax = 4_000_000 }
      let part = try oversizedAppend(orders, 1)
      guard case .turn(let turn) = part.record else { return }
      let entries = Array(repeating: turn.entries, count: 10).flatMap { $0 }
      for _ in 0..<2 {
        #expect(bench.write([logAppend(orders, 1, entries: entries)]).map(\.text) == ["orders-0@-#1"])
      }
      #expect(bench.troubles.count { $0.contains("orders-0: record 1 is larger") } == 1, "\(bench.troubles)")
      #expect(bench.write([logAppend(orders, 1)]).map(\.text) == ["orders-0@0#1"])
      bench.close()
    }
  }
}
