import CRdKafka
import EventLog
import Foundation
import Lanes
import Model
import Synchronization
import TestSupport
import Testing

@testable import KafkaLog

/// The log of records against librdkafka's mock cluster: the way of a record, and errors that a real broker makes
/// rarely.
@Suite struct MockRecordTests {
  // MARK: Appends

  @Test(arguments: Appending.allCases)
  func confirmsWhereRecordsStand(_ appending: Appending) throws {
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
  func anAppendOfUnknownFateMayStand(_ appending: Appending) throws {
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
  func aRefusedRecordIsUnknownAndTheNextOneStands(_ appending: Appending) throws {
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
  func aRecordThatIsTooLargeIsUnknownAndTold(byBroker: Bool, _ appending: Appending) throws {
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

  // MARK: Reading

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
  func startsAnew(by lane: Int) throws {
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

  @Test func stopsReadingWhenTold() throws {
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
  @Test func readsOnWhenBrokersAreBack() throws {
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

  // MARK: What the topics have, and the end

  @Test func tellsBoundsAndMargins() throws {
    let bench = try MockCluster().records()
    let log = bench.log
    #expect(bench.write([try ownedAppend(orders), logAppend(orders, 1)]).count == 2)
    #expect(
      try log.readBounds(of: [orders, stock]) == [orders: .init(first: 0, next: 2), stock: .init(first: 0, next: 0)])
    #expect(log.announced == [orders] && log.margins.isEmpty)
    try log.read([orders: 1], by: 0)
    #expect(log.margins == [orders: 1])
    log.trim(orders, through: 1)
    log.trim(PartitionID(.orders, 99), through: 1)
    #expect(log.margins == [orders: 2])
    log.leave(orders, by: 0)
    #expect(log.margins.isEmpty && log.announced.isEmpty)
    #expect(try !log.readClusterID().isEmpty)
    #expect(throws: LogFailure.self) { try log.readBounds(of: [PartitionID(.orders, 99)]) }
    log.close()
  }

  @Test func brokersThatDoNotAnswerAreAnError() throws {
    let cluster = try MockCluster()
    cluster.setUp(false)
    let bench = try cluster.records { $0.queryTimeoutMilliseconds = 300 }
    #expect { try bench.log.readBounds(of: [orders]) } throws: { ($0 as? LogFailure)?.code == .unreachable }
    #expect { try bench.log.readClusterID() } throws: { ($0 as? LogFailure)?.code == .unreachable }
    bench.log.close()
  }

  @Test func waitsForReportsAtItsEndAndTakesNothingAfterIt() throws {
    let bench = try MockCluster().records()
    let log = bench.log
    log.append((UInt64(1)...100).map { logAppend($0 % 2 == 0 ? orders : stock, $0) }, by: 0, expecting: [])
    let wakes = bench.lanes.map(\.wakeCount)
    log.close()
    #expect(log.failure?.code == .closed)
    #expect(zip(bench.lanes, wakes).allSatisfy { $0.wakeCount > $1 }, "all lanes are told")
    let confirmations = log.takeConfirmations(of: 0)
    #expect(confirmations.count == 100 && confirmations.allSatisfy { $0.offset != nil })
    log.append([logAppend(orders, 101)], by: 0, expecting: [])
    #expect(log.takeConfirmations(of: 0).isEmpty && log.takeRead(of: 0, eventsMax: 1).isEmpty)
    #expect { try log.read([orders: 0], by: 0) } throws: { ($0 as? LogFailure)?.code == .closed }
    #expect { try log.readBounds(of: [orders]) } throws: { ($0 as? LogFailure)?.code == .closed }
    #expect { try log.readClusterID() } throws: { ($0 as? LogFailure)?.code == .closed }
    log.close()
  }

  @Test func waitsForBrokersThatAreAwayNoLongerThanItMay() throws {
    let cluster = try MockCluster()
    let bench = try cluster.records { $0.closeTimeoutMilliseconds = 100 }
    cluster.setUp(false)
    bench.log.append([logAppend(orders, 1)], by: 0, expecting: [])
    let begin = ContinuousClock.now
    bench.log.close()
    let took = ContinuousClock.now - begin
    #expect(took >= .milliseconds(100) && took < .seconds(4), "\(took)")
    #expect(bench.log.takeConfirmations(of: 0).isEmpty, "nobody knows")
  }

  @Test func refusesOptionsThatMakeNoSense() throws {
    var options = try MockCluster().options()
    options.recordBytesMax = 1
    #expect { try KafkaRecordLog(options: options) { _ in } } throws: { ($0 as? LogFailure)?.code == .settings }
  }
}
