import CRdKafka
import Ports
import Foundation
import Lanes
import Model
import Synchronization
import TestSupport
import Testing

@testable import Kafka

/// The log of records against librdkafka's mock cluster: the way of a record, and errors that a real broker makes
/// rarely.
@Suite struct MockRecordTests {
  @Test(arguments: Appending.allCases)
  func confirmsWhereRecordsAre(_ appending: Appending) throws {
    let bench = try MockCluster().records(appending)
    let log = bench.log
    bench.append([try ownedAppend(orders), logAppend(orders, 1), logAppend(stock, 1)])
    bench.append([logAppend(orders, 2), logAppend(PartitionID(.orders, 99), 1)])
    log.turnEnded(by: 0)
    let texts = bench.confirmations(4).map(\.text)
    #expect(texts.filter { $0.hasPrefix("orders") } == ["orders-0@0#-", "orders-0@1#1", "orders-0@2#2"])
    #expect(texts.filter { $0.hasPrefix("stock") } == ["stock-1@0#1"])
    #expect(bench.write([logAppend(orders, 3)]).map(\.text) == ["orders-0@3#3"])
    let statistics = log.statistics
    #expect(statistics.recordsAcknowledged == 5 && statistics.recordsUnknown == 0)
    #expect(statistics.recordsPending == 0 && statistics.bytesPending == 0)
    #expect(!log.isBacklogged && log.failure == nil)
    log.append([logAppend(orders, 9)], by: 2, expecting: [])
    #expect(log.takeConfirmations(of: 2).isEmpty && log.takeRead(of: -1, eventsMax: 1).isEmpty, "no such lanes")
    bench.close()
  }

  /// Every lane gets what is its own, and is woken for it; the others are left alone.
  @Test func lanesAreIndependent() throws {
    // Kassa's own producer would have ticks.
    let bench = try MockCluster().records { try $0.properties.set("socket.max.fails", "1") }
    let log = bench.log
    let lanes = try (0..<2).map { try Lane(index: $0) }
    let turns = Mutex([0, 0])
    let confirmed = Mutex<[[String]]>([[], []])
    let read = Mutex<[[String]]>([[], []])
    for (place, lane) in lanes.enumerated() {
      try log.attach(place, to: lane, appends: place == 0)
      try lane.start {
        turns.withLock { $0[place] += 1 }
        let confirmations = log.takeConfirmations(of: place)
        confirmed.withLock { $0[place] += confirmations.map(\.text) }
        let events = log.takeRead(of: place, eventsMax: 100)
        read.withLock { $0[place] += events.map(\.text) }
        return false
      }
    }
    lanes[0].post { log.append([logAppend(orders, 1)], by: 0, expecting: []) }
    #expect(eventually { confirmed.withLock { $0 } == [["orders-0@0#1"], []] })
    let before = turns.withLock { $0[0] }
    for number in 1...50 as ClosedRange<UInt64> {
      lanes[1].post { log.append([logAppend(stock, number)], by: 1, expecting: []) }
      #expect(eventually { confirmed.withLock { $0[1].count } == Int(number) }, "\(number)")
    }
    try log.read([stock: 48], by: 1)
    #expect(eventually { read.withLock { $0[1].last } == "stock-1 ends 50" })
    #expect(turns.withLock { $0[0] } == before, "nothing was for lane 0")
    #expect(read.withLock { $0 } == [[], ["stock-1@48#49", "stock-1@49#50", "stock-1 ends 50"]])
    try log.read([orders: 0], by: 0)
    #expect(eventually { read.withLock { $0[0].last } == "orders-0 ends 1" })
    for lane in lanes {
      lane.stop()
      lane.join()
    }
    #expect(throws: LogFailure.self) { try log.attach(2, to: lanes[0]) }
    log.close()
  }

  /// Whoever was told nothing finds the record where it came to stand all the same.
  @Test(arguments: Appending.allCases)
  func anAppendOfUnknownFateMayBeInTheLog(_ appending: Appending) throws {
    let cluster = try MockCluster()
    let bench = try cluster.records(appending) { $0.commandTimeoutMilliseconds = 300 }
    #expect(bench.write([logAppend(orders, 1)]).map(\.text) == ["orders-0@0#1"])
    cluster.delayAnswers(milliseconds: 2_000)
    #expect(bench.write([logAppend(orders, 2)]).map(\.text) == ["orders-0@-#2"])
    cluster.delayAnswers(milliseconds: 0)
    #expect(bench.log.statistics.recordsUnknown == 1)
    #expect(bench.troubles.contains { $0.contains("the fate of 1 records is unknown") }, "\(bench.troubles)")
    try bench.log.read([orders: 1], by: 0)
    #expect(bench.readEvents().map(\.text) == ["orders-0@1#2", "orders-0 ends 2"])
    #expect(bench.write([logAppend(orders, 2)]).map(\.text) == ["orders-0@2#2"], "the same bytes again")
    #expect(bench.log.failure == nil)
    bench.close()
  }

  /// A broker that did what it was asked and does not say so is asked again: the record stands twice, and the second
  /// place is told.
  @Test func aRepetitionIsConfirmedAtItsSecondPlace() throws {
    let cluster = try MockCluster()
    let bench = try cluster.records {
      $0.commandTimeoutMilliseconds = 30_000
      try $0.properties.set("socket.timeout.ms", "300")
    }
    #expect(bench.write([logAppend(orders, 1)]).map(\.text) == ["orders-0@0#1"])
    cluster.delayAnswers(milliseconds: 5_000)
    bench.log.append([logAppend(orders, 2)], by: 0, expecting: [])
    let hasTimedOut = eventually {
      #expect(bench.log.takeConfirmations(of: 0).isEmpty)
      return bench.troubles.contains { $0.contains("timed out") }
    }
    #expect(hasTimedOut)
    cluster.delayAnswers(milliseconds: 0)
    let confirmation = bench.confirmations(1)
    #expect(confirmation.count == 1 && (confirmation.first?.offset ?? 0) > 1, "\(confirmation)")
    try bench.log.read([orders: 1], by: 0)
    let texts = bench.readEvents().map(\.text)
    #expect(texts.dropLast().allSatisfy { $0.hasSuffix("#2") } && texts.count > 2, "\(texts)")
    #expect(texts.dropLast().last == confirmation.first?.text)
    bench.log.close()
  }

  /// Errors that pass, for less than the time limit: nothing is unknown.
  @Test(arguments: Appending.allCases)
  func outlastsErrorsThatPass(_ appending: Appending) throws {
    let cluster = try MockCluster()
    let bench = try cluster.records(appending)
    cluster.fail(
      .produce,
      [
        RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
      ])
    #expect(bench.write([logAppend(orders, 1)]).map(\.text) == ["orders-0@0#1"])
    bench.close()
  }

  /// What a broker refuses for good is of unknown fate, like all else that was not acknowledged, and ends nothing.
  @Test(arguments: Appending.allCases)
  func aRefusedRecordIsUnknownAndTheNextOneIsWritten(_ appending: Appending) throws {
    let cluster = try MockCluster()
    let bench = try cluster.records(appending)
    cluster.fail(.produce, [RD_KAFKA_RESP_ERR_INVALID_RECORD])
    #expect(bench.write([logAppend(orders, 1)]).map(\.text) == ["orders-0@-#1"])
    #expect(bench.write([logAppend(orders, 1)]).map(\.text) == ["orders-0@0#1"])
    #expect(bench.log.failure == nil)
    bench.close()
  }

  /// Its owner would append it for ever: the operator is told, once.
  @Test(arguments: [false, true], Appending.allCases)
  func aRecordThatIsTooLargeIsUnknownAndReported(byBroker: Bool, _ appending: Appending) throws {
    let cluster = try MockCluster()
    let bench = try cluster.records(appending) { $0.recordBytesMax = KafkaOptions.recordBytesMin }
    for _ in 0..<3 {
      if byBroker { cluster.fail(.produce, [RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE]) }
      let wakes = bench.lanes[0].wakeCount
      let append = byBroker ? logAppend(orders, 1) : try oversizedAppend(orders, 1)
      #expect(bench.write([append]).map(\.text) == ["orders-0@-#1"])
      #expect(byBroker || bench.lanes[0].wakeCount > wakes, "nobody else would wake it")
    }
    #expect(bench.troubles.count { $0.contains("orders-0: record 1 is larger") } == 1, "\(bench.troubles)")
    #expect(bench.write([logAppend(orders, 1), logAppend(stock, 1)]).allSatisfy { $0.offset == 0 })
    bench.close()
  }

  @Test(arguments: Appending.allCases)
  func saysWhenTooMuchIsUnderWay(_ appending: Appending) throws {
    let cluster = try MockCluster()
    let bench = try cluster.records(appending) { $0.queuedRecordsMax = 3 }
    #expect(bench.write([logAppend(orders, 1)]).count == 1)
    cluster.setUp(false)
    bench.append([logAppend(orders, 2), logAppend(stock, 1)], by: 0)
    #expect(!bench.log.isBacklogged)
    bench.append([logAppend(payments, 1), logAppend(payments, 2)], by: 1)
    #expect(bench.log.isBacklogged && bench.log.statistics.recordsPending == 4, "and refuses nothing")
    cluster.setUp(true)
    #expect(bench.confirmations(2).count == 2 && bench.confirmations(2, of: 1).count == 2)
    #expect(!bench.log.isBacklogged)
    bench.close()
  }
}
