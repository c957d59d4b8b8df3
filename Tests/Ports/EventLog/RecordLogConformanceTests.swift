import Ports
import Model
import PartitionCore
import TestSupport
import Testing
import Lanes

/// What every log of records does, whatever it is made of.
@Suite struct RecordLogConformanceTests {
  let orders = PartitionID(.orders, 0)
  let stock = PartitionID(.stock, 1)
  let payments = PartitionID(.payments, 3)

  @Test(arguments: RecordLogKind.allCases)
  func confirmsInOrderWithOffsetsFromZero(_ kind: RecordLogKind) throws {
    let fixture = try RecordLogFixture(kind)
    let log = fixture.log
    log.append([try ownedAppend(orders), logAppend(orders, 1), logAppend(stock, 1)], by: 0, expecting: [])
    log.append([logAppend(orders, 2)], by: 0, expecting: [])
    log.turnEnded(by: 0)
    #expect(
      fixture.confirmations(4).map(\.text) == ["orders-0@0#-", "orders-0@1#1", "stock-1@0#1", "orders-0@2#2"])
    #expect(log.takeConfirmations(of: 0).isEmpty && log.takeConfirmations(of: 1).isEmpty)
    log.close()
  }

  @Test(arguments: RecordLogKind.allCases)
  func reportsToEachLaneItsOwnAppends(_ kind: RecordLogKind) throws {
    let fixture = try RecordLogFixture(kind, lanes: 3)
    let log = fixture.log
    log.append([logAppend(orders, 1)], by: 0, expecting: [1])
    log.turnEnded(by: 0)
    log.append([logAppend(stock, 1), logAppend(stock, 2)], by: 1, expecting: [])
    #expect(log.takeConfirmations(of: 0).isEmpty && log.takeConfirmations(of: 1).isEmpty, "lane 1 is expected")
    log.turnEnded(by: 1)
    #expect(fixture.confirmations(2, of: 1).map(\.text) == ["stock-1@0#1", "stock-1@1#2"])
    #expect(fixture.confirmations(1, of: 0).map(\.text) == ["orders-0@0#1"])
    #expect(eventually { fixture.lanes[0].wakeCount == 1 && fixture.lanes[1].wakeCount == 1 })
    #expect(fixture.lanes[2].wakeCount == 0, "it has no news")
    log.close()
  }

  @Test(arguments: RecordLogKind.allCases)
  func readsFromAnOffsetOnToTheEnd(_ kind: RecordLogKind) throws {
    let fixture = try RecordLogFixture(kind)
    let log = fixture.log
    let appends = (UInt64(1)...10).map { logAppend($0 % 2 == 1 ? orders : stock, $0) }
    #expect(fixture.write(appends).count == 10)
    try log.read([orders: 2, stock: 4, payments: 0], by: 1)
    let texts = fixture.readEvents(3, of: 1).map(\.text)
    #expect(
      texts.filter { $0.hasPrefix("orders") } == ["orders-0@2#5", "orders-0@3#7", "orders-0@4#9", "orders-0 ends 5"])
    #expect(texts.filter { $0.hasPrefix("stock") } == ["stock-1@4#10", "stock-1 ends 5"])
    #expect(texts.filter { $0.hasPrefix("payments") } == ["payments-3 ends 0"])
    #expect(log.takeRead(of: 0, eventsMax: 10).isEmpty, "lane 1 asked")
    log.close()
  }

  /// A lane takes while the log reads; whenever it leaves something, it is woken again.
  @Test(arguments: RecordLogKind.allCases)
  func handsOverInPartsAndWakesForTheRest(_ kind: RecordLogKind) throws {
    var limits = LogLimits()
    limits.catchUpRecordsMax = 10
    let fixture = try RecordLogFixture(kind, limits: limits)
    let log = fixture.log
    #expect(fixture.write((UInt64(1)...100).map { logAppend(orders, $0) }).count == 100)
    var wakes = fixture.lanes[0].wakeCount
    try log.read([orders: 0], by: 0)
    var all: [ReadEvent] = []
    while all.count < 101 {
      guard eventually({ fixture.lanes[0].wakeCount > wakes }) else {
        Issue.record("nobody woke the lane after \(all.count) events")
        return
      }
      wakes = fixture.lanes[0].wakeCount
      let part = log.takeRead(of: 0, eventsMax: 4)
      #expect(part.count <= 4)
      all += part
    }
    #expect(all.map(\.text) == (0..<100).map { "orders-0@\($0)#\($0 + 1)" } + ["orders-0 ends 100"])
    log.close()
  }

  /// What is appended after it was asked is not read: the lane knows it.
  @Test(arguments: RecordLogKind.allCases)
  func readsWhatWasDurableWhenItWasAsked(_ kind: RecordLogKind) throws {
    let fixture = try RecordLogFixture(kind)
    let log = fixture.log
    #expect(fixture.write([logAppend(orders, 1)]).count == 1)
    log.append([logAppend(orders, 2)], by: 0, expecting: [1])
    try log.read([orders: 0], by: 0)
    #expect(fixture.readEvents(1).map(\.text) == ["orders-0@0#1", "orders-0 ends 1"])
    #expect(throws: LogFailure.self) { try log.read([orders: 2], by: 0) }
    log.turnEnded(by: 0)
    log.turnEnded(by: 1)
    #expect(fixture.confirmations(1).map(\.text) == ["orders-0@1#2"])
    try log.read([orders: 1], by: 0)
    #expect(fixture.readEvents(1).map(\.text) == ["orders-0@1#2", "orders-0 ends 2"])
    log.close()
  }

  /// Whether the log says that a partition begins with an offset: trimming takes its time.
  private func begins(_ log: any RecordLog, _ partition: PartitionID, with offset: Int64) -> Bool {
    do throws(LogFailure) {
      try log.read([partition: -1], by: 0)
      return false
    } catch {
      return error.message.contains("begins \(partition) with offset \(offset)")
    }
  }

  @Test(arguments: RecordLogKind.allCases)
  func refusesToReadWhatItDoesNotHave(_ kind: RecordLogKind) throws {
    let fixture = try RecordLogFixture(kind)
    let log = fixture.log
    #expect(fixture.write((UInt64(1)...4).map { logAppend(orders, $0) }).count == 4)
    log.trim(orders, through: 1)
    log.trim(orders, through: .max)
    log.trim(orders, through: .min)
    log.trim(PartitionID(.orders, 99), through: 1)
    #expect(eventually { begins(log, orders, with: 4) })
    func code(_ partitions: [PartitionID: Int64], by lane: Int = 0) -> LogFailure.Code? {
      do throws(LogFailure) {
        try log.read(partitions, by: lane)
        return nil
      } catch {
        #expect(partitions.keys.contains { error.message.contains("\($0)") } || error.code == .settings)
        return error.code
      }
    }
    #expect(code([orders: 0]) == .trimmed)
    #expect(code([orders: 3]) == .trimmed)
    #expect(code([orders: .min]) == .trimmed)
    #expect(code([orders: 5]) == .format, "it ends before")
    #expect(code([orders: .max]) == .format)
    #expect(code([stock: 1]) == .format)
    #expect(code([PartitionID(.orders, 99): 0]) == .format)
    #expect(code([orders: 4], by: 2) == .settings)
    #expect(code([orders: 4], by: -1) == .settings)
    #expect(code([orders: 4, stock: 1]) == .format, "all or nothing")
    #expect(log.failure == nil)
    try log.read([orders: 4, stock: 0], by: 1)
    #expect(fixture.readEvents(2, of: 1).map(\.text) == ["orders-0 ends 4", "stock-1 ends 0"])
    log.close()
  }

  @Test(arguments: RecordLogKind.allCases)
  func keepsCountingAfterATrim(_ kind: RecordLogKind) throws {
    let fixture = try RecordLogFixture(kind)
    let log = fixture.log
    #expect(fixture.write((UInt64(1)...5).map { logAppend(orders, $0) }).count == 5)
    log.trim(orders, through: 4)
    #expect(eventually { begins(log, orders, with: 5) })
    #expect(fixture.write([logAppend(orders, 6)]).map(\.text) == ["orders-0@5#6"])
    try log.read([orders: 5], by: 0)
    #expect(fixture.readEvents(1).map(\.text) == ["orders-0@5#6", "orders-0 ends 6"])
    log.close()
  }

  @Test(arguments: RecordLogKind.allCases)
  func leavesOutWhatHasNoPartitionAndNotifiesOnlyLanesThatExist(_ kind: RecordLogKind) throws {
    let fixture = try RecordLogFixture(kind)
    let log = fixture.log
    let appends = [logAppend(PartitionID(.stock, 99), 1), logAppend(stock, 2)]
    log.append(appends, by: 0, expecting: [7, -1])
    log.append([logAppend(stock, 3)], by: 7, expecting: [])
    log.turnEnded(by: 7)
    #expect(fixture.confirmations(1).map(\.text) == ["stock-1@0#2"])
    #expect(log.takeConfirmations(of: 7).isEmpty && log.takeRead(of: -1, eventsMax: 1).isEmpty)
    #expect(fixture.write([logAppend(stock, 4)]).map(\.text) == ["stock-1@2#4"])
    log.close()
  }

  /// A backlog refuses nothing by itself: it is for whoever takes commands to ask.
  @Test(arguments: RecordLogKind.allCases)
  func saysWhenTooMuchWaits(_ kind: RecordLogKind) throws {
    var limits = LogLimits()
    limits.queuedRecordsMax = 3
    limits.groupRecordsDue = 3
    let fixture = try RecordLogFixture(kind, limits: limits)
    let log = fixture.log
    #expect(!log.isBacklogged)
    log.append([logAppend(orders, 1), logAppend(orders, 2)], by: 0, expecting: [1])
    #expect(!log.isBacklogged)
    log.append([logAppend(orders, 3), logAppend(orders, 4)], by: 0, expecting: [])
    #expect(fixture.confirmations(4).count == 4, "a full group waits for nobody")
    #expect(eventually { !log.isBacklogged })
    log.close()
  }

  @Test(arguments: RecordLogKind.allCases)
  func takesNothingAfterItsEnd(_ kind: RecordLogKind) throws {
    let fixture = try RecordLogFixture(kind)
    let log = fixture.log
    #expect(fixture.write([logAppend(orders, 1)]).count == 1)
    let wakes = fixture.lanes.map(\.wakeCount)
    log.close()
    #expect(log.failure?.code == .closed)
    #expect(zip(fixture.lanes, wakes).allSatisfy { $0.wakeCount > $1 }, "all lanes are told")
    log.append([logAppend(orders, 2)], by: 0, expecting: [1])
    log.turnEnded(by: 0)
    log.turnEnded(by: 1)
    #expect(log.takeConfirmations(of: 0).isEmpty)
    #expect(throws: LogFailure.self) { try log.read([orders: 0], by: 0) }
    log.close()
    #expect(log.failure?.code == .closed)
  }

  /// Four lanes on threads append to partitions of their own: each partition's offsets come without gaps, and its
  /// confirmations in the order of its appends.
  @Test(arguments: RecordLogKind.allCases, [UInt64(1), 2, 3])
  func keepsTheOrderOfManyThreads(_ kind: RecordLogKind, _ seed: UInt64) throws {
    let fixture = try RecordLogFixture(kind, lanes: 4)
    let log = fixture.log
    let threads = (0..<4).map { lane in
      BackgroundThread("lane \(lane)") {
        var random = SeededGenerator(seed: seed * 10 + UInt64(lane))
        var number: UInt64 = 1
        while number <= 600 {
          let count = min(UInt64.random(in: 1...7, using: &random), 601 - number)
          let appends = (number..<number + count).map { number in
            let service = Service.allCases[Int.random(in: 0..<Service.allCases.count, using: &random)]
            return logAppend(PartitionID(service, UInt16(lane)), number)
          }
          log.append(appends, by: lane, expecting: [Int.random(in: 0..<4, using: &random)])
          log.turnEnded(by: lane)
          number += count
        }
      }
    }
    for thread in threads { thread?.join() }
    // Whoever was expected to the end has a last turn.
    for lane in 0..<4 { log.turnEnded(by: lane) }
    for lane in 0..<4 {
      let all = fixture.confirmations(600, of: lane)
      #expect(all.count == 600, "seed \(seed)")
      for (partition, own) in Dictionary(grouping: all, by: \.partition) {
        #expect(own.map(\.offset) == (0..<Int64(own.count)).map { $0 }, "\(partition), seed \(seed)")
        #expect(own.compactMap(\.number) == own.compactMap(\.number).sorted(), "\(partition), seed \(seed)")
      }
    }
    log.close()
  }
}

@Suite struct MemoryRecordLogTests {
  let orders = PartitionID(.orders, 0)

  @Test func holdsDurabilityBackWhenAsked() throws {
    let fixture = try RecordLogFixture(.memory)
    let log = try #require(fixture.log as? MemoryRecordLog)
    log.holdDurability()
    log.append([logAppend(orders, 1)], by: 0, expecting: [])
    log.turnEnded(by: 0)
    #expect(log.takeConfirmations(of: 0).isEmpty && log.records(of: orders).isEmpty)
    #expect(log.nextOffset(of: orders) == 1)
    log.releaseDurability()
    #expect(log.takeConfirmations(of: 0).map(\.text) == ["orders-0@0#1"])
    #expect(fixture.lanes[0].wakeCount == 1)
    #expect(log.records(of: orders) == [logAppend(orders, 1).record])
  }

  /// As a process that is started again: what was durable is there, nothing else is.
  @Test func startsOverWithOtherLanes() throws {
    let fixture = try RecordLogFixture(.memory)
    let log = try #require(fixture.log as? MemoryRecordLog)
    #expect(fixture.write([logAppend(orders, 1)]).count == 1)
    log.append([logAppend(orders, 2)], by: 0, expecting: [1])
    log.fail(LogFailure(.write, "the disk is gone"))
    #expect(fixture.lanes.allSatisfy { $0.wakeCount > 0 })
    let lane = TestLane()
    log.attach([lane])
    #expect(log.failure == nil)
    log.append([logAppend(orders, 3)], by: 0, expecting: [])
    log.turnEnded(by: 0)
    #expect(log.takeConfirmations(of: 0).map(\.text) == ["orders-0@1#3"])
    #expect(lane.wakeCount == 1)
  }
}
