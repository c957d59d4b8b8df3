import CRdKafka
import EventLog
import Lanes
import Model
import Synchronization
import TestSupport
import Testing

@testable import KafkaLog

/// The log against librdkafka's mock cluster: the way of a record, and errors that a real broker makes rarely.
@Suite struct MockTests {
  @Test func recordsComeBackInOrder() throws {
    let log = try MockCluster().open()
    let owner = TestOwner()
    try log.subscribe(owner, to: [orders: -1, stock: -1])
    let position = try log.append(
      [message(1, from: stock, to: orders), message(2, from: orders, to: stock), command(3)], by: owner)
    _ = try log.append([command(4)], by: owner)
    #expect(position == LogPosition(2), "commands are not counted")
    let deliveries = owner.collect(4, from: log)
    #expect(deliveries.allSatisfy { $0.position == .zero }, "what comes back is durable")
    #expect(Set(deliveries.filter { $0.partition == orders }.map(\.offset)) == [0, 1, 2])
    #expect(deliveries.filter { $0.partition == stock }.map(\.text) == ["stock-1@0=2"])
    #expect(
      eventually {
        log.takeReports(by: owner); return log.durable == position
      })
    #expect(log.nextOffset(of: orders) == 3)
    log.close()
    #expect(log.failure?.code == .closed)
    #expect(throws: LogRefusal.unavailable) { try log.append([command(5)], by: nil) }
  }

  /// Whoever appended is occupied until all of it is acknowledged, and then woken, whoever takes the reports.
  @Test func isOccupiedByWhatIsNotAcknowledged() throws {
    let log = try MockCluster().open()
    let (first, second) = (TestOwner(), TestOwner())
    try log.subscribe(first, to: [orders: -1])
    try log.subscribe(second, to: [stock: -1])
    _ = try log.append([command(1), message(2, from: stock, to: orders)], by: second)
    #expect(log.isOccupied(by: second) && !log.isOccupied(by: first))
    let before = second.wakeCount
    #expect(
      eventually {
        log.takeReports(by: first); return !log.isOccupied(by: second)
      })
    #expect(second.wakeCount > before && log.statistics.recordsPending == 0)
    log.close()
  }

  @Test func goesOnBehindAnOffset() throws {
    let cluster = try MockCluster()
    let log = try cluster.open()
    let owner = TestOwner()
    _ = try log.append((1...10).map { command($0) }, by: nil)
    #expect(
      eventually {
        log.takeReports(); return log.statistics.recordsPending == 0
      })
    #expect(throws: LogFailure.self) { try log.subscribe(owner, to: [orders: 10]) }
    #expect(throws: LogFailure.self) { try log.subscribe(owner, to: [PartitionID(.orders, 99): -1]) }
    try log.subscribe(owner, to: [orders: 6])
    #expect(log.margins == [orders: 7], "from the checkpoint on, before this owner has written one")
    #expect(owner.collect(3, from: log).map(\.text) == ["orders-0@7=8", "orders-0@8=9", "orders-0@9=10"])
    log.close()
  }

  /// Partitions that are taken away and given again, between two owners, under load: each record once, in order.
  @Test(arguments: [UInt64(1), 2])
  func survivesBeingAssignedAgainAndAgain(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let log = try MockCluster().open()
    let owners = [TestOwner(), TestOwner()]
    try log.subscribe(owners[0], to: [orders: -1, stock: -1])
    var seen: [PartitionID: Int64] = [orders: -1, stock: -1]
    var sent: UInt64 = 0
    while sent < 4_000 {
      _ = try log.append((0..<20).map { command(sent + $0, to: $0 % 2 == 0 ? orders : stock) }, by: nil)
      sent += 20
      if Int.random(in: 0..<10, using: &random) == 0 {
        let partition = Bool.random(using: &random) ? orders : stock
        let owner = owners[Int.random(in: 0..<2, using: &random)]
        log.unsubscribe([partition])
        try log.subscribe(owner, to: [partition: seen[partition] ?? -1])
      }
      take(from: log, owners, &seen, seed)
    }
    #expect(
      eventually {
        take(from: log, owners, &seen, seed)
        return seen == [orders: 1_999, stock: 1_999]
      }, "seed \(seed): \(seen)")
    log.close()
  }

  private func take(from log: KafkaLog, _ owners: [TestOwner], _ seen: inout [PartitionID: Int64], _ seed: UInt64) {
    for owner in owners {
      for delivery in log.takeDeliveries(of: owner, recordsMax: 200) {
        #expect(delivery.offset == (seen[delivery.partition] ?? -1) + 1, "seed \(seed) \(delivery.text)")
        seen[delivery.partition] = delivery.offset
      }
    }
  }

  @Test func bytesOfNobodyStopNothingElse() throws {
    let cluster = try MockCluster()
    try cluster.write([0xff, 0xff, 0x01], to: orders)
    try cluster.write([], to: stock)
    let log = try cluster.open()
    let owner = TestOwner()
    try log.subscribe(owner, to: [orders: -1, stock: -1, payments: -1])
    _ = try log.append([command(1), command(2, to: payments)], by: owner)
    let texts = Set(owner.collect(4, from: log).map(\.text))
    #expect(texts == ["orders-0@0=?", "orders-0@1=1", "stock-1@0=?", "payments-3@0=2"])
    log.close()
  }

  @Test func aRecordOverSizeTravelsInParts() throws {
    let log = try MockCluster().open { $0.recordBytesMax = KafkaOptions.recordBytesMin }
    let owner = TestOwner()
    try log.subscribe(owner, to: [orders: -1])
    let entries = (0..<20_000).map { messageEntry($0, from: stock) }
    let position = try log.append(
      [Append(partition: orders, record: Record(entries: entries), isRefusable: false)], by: owner)
    #expect(position > LogPosition(2))
    var received: [Entry] = []
    #expect(
      eventually {
        for delivery in log.takeDeliveries(of: owner, recordsMax: 10) {
          if case .record(let record) = delivery.content { received += record.entries }
        }
        return received.count >= entries.count
      })
    #expect(received == entries)
    #expect(
      eventually {
        log.takeReports(); return log.durable == position
      })
    log.close()
  }

  @Test func wakesItsLane() throws {
    let log = try MockCluster().open()
    let lane = try Lane(index: 0)
    let owner = TestOwner()
    try log.attach(owner, to: lane)
    try log.subscribe(owner, to: [orders: -1])
    let count = Atomic<Int>(0)
    try lane.start {
      count.add(log.takeDeliveries(of: owner, recordsMax: 100).count, ordering: .sequentiallyConsistent)
      return false
    }
    for number in 1...50 as ClosedRange<UInt64> {
      _ = try log.append([command(number)], by: nil)
      #expect(eventually { count.load(ordering: .sequentiallyConsistent) == Int(number) }, "\(number)")
    }
    #expect(eventually { log.statistics.recordsPending == 0 }, "the first owner's lane takes the reports")
    lane.stop()
    lane.join()
    log.close()
  }

  // MARK: Bounds

  /// Whoever has enough takes nothing more of a partition, goes on where it stopped, and the others notice nothing.
  @Test func aPausedPartitionComesAgainFromWhereItStood() throws {
    let log = try MockCluster().open()
    let owner = TestOwner()
    try log.subscribe(owner, to: [orders: -1, stock: -1])
    _ = try log.append((1...10).map { command($0) }, by: nil)
    var taken = owner.collect(3, from: log, recordsMax: 3)
    log.pause(orders)
    _ = try log.append([command(11), command(1, to: stock)], by: nil)
    #expect(owner.collect(1, from: log).map(\.text) == ["stock-1@0=1"])
    #expect(log.takeDeliveries(of: owner, recordsMax: 100).isEmpty)
    log.resume(orders)
    taken += owner.collect(8, from: log)
    #expect(taken.compactMap(\.number) == (1...11).map { $0 })
    log.pause(orders)
    log.unsubscribe([orders])
    log.resume(orders)
    try log.subscribe(owner, to: [orders: 9])
    #expect(owner.collect(1, from: log).map(\.text) == ["orders-0@10=11"])
    log.close()
  }

  @Test func refusesCommandsWhileTooMuchIsPending() throws {
    let cluster = try MockCluster()
    let log = try cluster.open {
      $0.queuedRecordsMax = 3
      $0.closeTimeoutMilliseconds = 1
    }
    let owner = TestOwner()
    try log.subscribe(owner, to: [orders: -1])
    cluster.setUp(false)
    _ = try log.append((1...3).map { command($0) }, by: owner)
    #expect(throws: LogRefusal.backlog) { try log.append([command(4)], by: owner) }
    _ = try log.append([message(5, from: stock, to: orders), command(6)], by: owner)
    log.close()
  }

  @Test func handsOverNothingWhileTooManyMessagesArePending() throws {
    let cluster = try MockCluster()
    let events = EventList()
    let log = try cluster.open({ $0.queuedRecordsMax = 3 }, report: events.add)
    let owner = TestOwner()
    try log.subscribe(owner, to: [orders: -1])
    _ = try log.append([command(1)], by: owner)
    #expect(owner.collect(1, from: log).count == 1)
    try cluster.write([0xff], to: orders)
    cluster.fail(.produce, Array(repeating: RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, count: 1_000))
    for number in 1...5 as ClosedRange<Int64> {
      _ = try log.append([message(number, from: stock, to: orders)], by: owner)
    }
    let wakes = owner.wakeCount
    #expect(log.takeDeliveries(of: owner, recordsMax: 10).isEmpty)
    cluster.recover(.produce)
    #expect(
      eventually {
        log.takeReports()
        return owner.wakeCount > wakes
      })
    let texts = owner.collect(6, from: log).map(\.text)
    #expect(
      texts == ["orders-0@1=?"] + (2...6).map { "orders-0@\($0)=\($0 - 1)" }, "\(log.statistics) \(events.all)")
    log.close()
  }
}
