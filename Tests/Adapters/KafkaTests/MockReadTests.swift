import CRdKafka
import Ports
import Foundation
import Lanes
import Model
import Synchronization
import TestSupport
import Testing

@testable import Kafka

/// What the log of records reads from librdkafka's mock cluster.
@Suite struct MockReadTests {
  @Test func readsToTheEndAndFromThereAgain() throws {
    let bench = try MockCluster().records()
    let log = bench.log
    try log.read([orders: 0, payments: 0], by: 1)
    #expect(Set(bench.readEvents(2, of: 1).map(\.text)) == ["orders-0 ends 0", "payments-3 ends 0"], "empty")
    #expect(bench.write((UInt64(1)...10).map { logAppend(orders, $0) }).count == 10)
    try log.read([orders: 7], by: 1)
    #expect(
      bench.readEvents(of: 1).map(\.text) == ["orders-0@7#8", "orders-0@8#9", "orders-0@9#10", "orders-0 ends 10"])
    #expect(log.takeRead(of: 0, eventsMax: 10).isEmpty, "lane 1 asked")
    #expect(bench.write([logAppend(orders, 11)]).count == 1)
    try log.read([orders: 10], by: 1)
    #expect(bench.readEvents(of: 1).map(\.text) == ["orders-0@10#11", "orders-0 ends 11"])
    #expect(log.statistics.partitionsRead == 0 && log.statistics.readingsBegun == 4)
    #expect(log.statistics.recordsRead == 4 && log.statistics.readingsBroken == 0)
    log.close()
  }

  /// The next fetch fails, and nobody notices before somebody reads again.
  @Test func fetchesNothingAfterTheEnd() throws {
    let cluster = try MockCluster()
    let bench = try cluster.records()
    #expect(bench.write([logAppend(orders, 1)]).count == 1)
    try bench.log.read([orders: 0], by: 0)
    #expect(bench.readEvents().map(\.text) == ["orders-0@0#1", "orders-0 ends 1"])
    // Whatever is on its way comes back empty within 2 ms.
    usleep(200_000)
    cluster.fail(.fetch, [RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE])
    #expect(bench.write([logAppend(orders, 2)]).count == 1)
    usleep(200_000)
    #expect(bench.log.takeRead(of: 0, eventsMax: 10).isEmpty)
    try bench.log.read([orders: 1], by: 0)
    #expect(bench.readEvents().map(\.text) == ["orders-0 broken"], "the error was still waiting for a fetch")
    bench.log.close()
  }

  /// Everything that was confirmed before somebody asked is handed over, in order, whatever is appended meanwhile.
  @Test(arguments: Appending.allCases)
  func readsWhileOthersAppend(_ appending: Appending) throws {
    let bench = try MockCluster().records(appending)
    var (sent, confirmed) = (UInt64(0), UInt64(0))
    for round in 0..<20 {
      for _ in 0..<50 {
        sent += 1
        bench.append([logAppend(orders, sent)], by: 0)
      }
      confirmed += UInt64(bench.takeConfirmations().count)
      let goal = Int64(confirmed)
      try bench.log.read([orders: 0], by: 1)
      let events = bench.readEvents(of: 1, eventsMax: 7)
      guard case .ended(_, let end)? = events.last else {
        Issue.record("round \(round): \(events.last.map(\.text) ?? "nothing")")
        return
      }
      #expect(end >= goal && end <= Int64(sent), "round \(round)")
      #expect(events.dropLast().map(\.text) == (0..<end).map { "orders-0@\($0)#\($0 + 1)" }, "round \(round)")
    }
    bench.close()
  }

  @Test func handsOverInPartsAndWakesForTheRest() throws {
    let bench = try MockCluster().records()
    #expect(bench.write((UInt64(1)...100).map { logAppend(orders, $0) }).count == 100)
    try bench.log.read([orders: 0], by: 0)
    var all: [ReadEvent] = []
    let hasEnded = eventually {
      let wakes = bench.lanes[0].wakeCount
      let part = bench.log.takeRead(of: 0, eventsMax: 4)
      #expect(part.count < 4 || bench.lanes[0].wakeCount > wakes, "nobody woke the lane for the rest")
      all += part
      return all.last?.isEnd ?? false
    }
    #expect(hasEnded)
    #expect(all.map(\.text) == (0..<100).map { "orders-0@\($0)#\($0 + 1)" } + ["orders-0 ends 100"])
    bench.log.close()
  }

  /// A reading that is begun anew, on the same lane or another, leaves nothing of the one before.
  @Test(arguments: [0, 1])
  func startsAgainFromAnyOffset(by lane: Int) throws {
    let bench = try MockCluster().records()
    #expect(bench.write((UInt64(1)...100).map { logAppend(orders, $0) }).count == 100)
    for from in [5, 50, 0] as [Int64] {
      try bench.log.read([orders: 0], by: 0)
      #expect(
        eventually {
          !bench.log.takeRead(of: 0, eventsMax: 3).isEmpty
        })
      try bench.log.read([orders: from], by: lane)
      let texts = bench.readEvents(of: lane).map(\.text)
      #expect(texts == (from..<100).map { "orders-0@\($0)#\($0 + 1)" } + ["orders-0 ends 100"])
      #expect(bench.log.takeRead(of: 0, eventsMax: 100).isEmpty)
    }
    bench.log.close()
  }

  @Test func stopsReadingWhenAsked() throws {
    let bench = try MockCluster().records()
    #expect(bench.write((UInt64(1)...10).map { logAppend(orders, $0) }).count == 10)
    try bench.log.read([orders: 0, stock: 0], by: 0)
    bench.log.leave(orders, by: 1)
    #expect(bench.log.statistics.partitionsRead == 2, "lane 1 has nothing to say about it")
    bench.log.leave(orders, by: 0)
    bench.log.leave(PartitionID(.orders, 99), by: 0)
    #expect(bench.readEvents().map(\.text) == ["stock-1 ends 0"])
    usleep(100_000)
    #expect(bench.log.takeRead(of: 0, eventsMax: 100).isEmpty)
    try bench.log.read([orders: 9], by: 0)
    #expect(bench.readEvents().map(\.text) == ["orders-0@9#10", "orders-0 ends 10"])
    bench.log.close()
  }

  @Test func bytesOfNobodyAreHandedOverAsSuch() throws {
    let cluster = try MockCluster()
    try cluster.write([0xff, 0xff, 0x01], to: orders)
    try cluster.write([], to: orders)
    let bench = try cluster.records()
    #expect(bench.write([logAppend(orders, 1)]).map(\.text) == ["orders-0@2#1"])
    try bench.log.read([orders: 0], by: 0)
    #expect(bench.readEvents().map(\.text) == ["orders-0@0#?", "orders-0@1#?", "orders-0@2#1", "orders-0 ends 3"])
    bench.log.close()
  }

  // MARK: What breaks a reading

  @Test func anOffsetThatTheTopicDoesNotHaveBreaksThePartitionOnly() throws {
    let cluster = try MockCluster()
    let bench = try cluster.records()
    #expect(bench.write([logAppend(orders, 1), logAppend(stock, 1)]).count == 2)
    try bench.log.read([orders: 7], by: 0)
    let events = bench.readEvents()
    guard case .broken(orders, let reason)? = events.first else {
      Issue.record("\(events.map(\.text))")
      return
    }
    #expect(reason.contains("no offset 7"))
    #expect(bench.events.all.contains { if case .partitionBroken(orders, _) = $0 { true } else { false } })
    cluster.fail(.fetch, [RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE])
    try bench.log.read([orders: 0], by: 0)
    #expect(bench.readEvents().map(\.text) == ["orders-0 broken"], "retention removed it")
    try bench.log.read([orders: 0, stock: 0], by: 0)
    #expect(
      Set(bench.readEvents(2).map(\.text)) == ["orders-0@0#1", "orders-0 ends 1", "stock-1@0#1", "stock-1 ends 1"])
    #expect(bench.log.statistics.readingsBroken == 2 && bench.log.failure == nil)
    bench.log.close()
  }

  @Test func errorsThatRepeatBreakItAndThoseThatPassDoNot() throws {
    let cluster = try MockCluster()
    let bench = try cluster.records()
    #expect(bench.write([logAppend(orders, 1)]).count == 1)
    let passing = [
      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
      RD_KAFKA_RESP_ERR_BROKER_NOT_AVAILABLE, RD_KAFKA_RESP_ERR_POLICY_VIOLATION,
    ]
    cluster.fail(.fetch, passing)
    try bench.log.read([orders: 0], by: 0)
    #expect(bench.readEvents().map(\.text) == ["orders-0@0#1", "orders-0 ends 1"])
    // More than it takes: a fetch of the reading before may still be under way, and get one.
    cluster.fail(.fetch, Array(repeating: RD_KAFKA_RESP_ERR_POLICY_VIOLATION, count: 2 * LaneReadings.errorsMax))
    try bench.log.read([orders: 0], by: 0)
    #expect(bench.readEvents().map(\.text) == ["orders-0 broken"])
    bench.log.close()
  }

  /// Brokers that are away break nothing: reading goes on when they are back.
  @Test func continuesReadingWhenBrokersAreBack() throws {
    let cluster = try MockCluster()
    let bench = try cluster.records()
    #expect(bench.write([logAppend(orders, 1)]).count == 1)
    cluster.setUp(false)
    try bench.log.read([orders: 0], by: 0)
    usleep(300_000)
    #expect(bench.log.takeRead(of: 0, eventsMax: 10).isEmpty)
    cluster.setUp(true)
    #expect(bench.readEvents().map(\.text) == ["orders-0@0#1", "orders-0 ends 1"])
    bench.log.close()
  }

  @Test func refusesToReadWhatCannotBe() throws {
    let bench = try MockCluster().records()
    func code(_ partitions: [PartitionID: Int64], by lane: Int = 0) -> LogFailure.Code? {
      do throws(LogFailure) {
        try bench.log.read(partitions, by: lane)
        return nil
      } catch {
        return error.code
      }
    }
    #expect(code([PartitionID(.orders, 99): 0]) == .format)
    #expect(code([orders: -1]) == .format && code([orders: .min]) == .format)
    #expect(code([orders: 0], by: 2) == .settings && code([orders: 0], by: -1) == .settings)
    #expect(code([orders: 0, PartitionID(.stock, 99): 0]) == .format)
    #expect(bench.log.statistics.partitionsRead == 0, "all or nothing")
    #expect(code([orders: .max]) == nil)
    #expect(bench.readEvents().map(\.text) == ["orders-0 broken"])
    bench.log.close()
  }
}
