import EventLog
import Model
import Testing
import TestSupport

/// What the twin of a log that delivers keeps of its protocol.
@Suite struct LogConformanceTests {
  let orders = PartitionID(.orders, 0)
  let stock = PartitionID(.stock, 1)
  let payments = PartitionID(.payments, 3)

  @Test func deliversInOrderWithOffsetsFromZero() throws {
    let fixture = LogFixture()
    let log = fixture.log
    let owner = TestOwner()
    try log.subscribe(owner, to: [orders: -1, stock: -1])
    _ = try log.append([append(orders, 1), append(stock, 2), append(orders, 3)], by: owner)
    _ = try log.append([append(orders, 4)], by: owner)
    let deliveries = owner.collect(4, from: log)
    #expect(deliveries.map(\.text) == ["orders-0@0=1", "stock-1@0=2", "orders-0@1=3", "orders-0@2=4"])
    log.close()
  }

  @Test func becomesDurableAfterAHint() throws {
    let fixture = LogFixture()
    let log = fixture.log
    let position = try log.append([append(orders, 1), append(stock, 2)], by: nil)
    log.flushHint(by: nil)
    #expect(eventually { log.durable >= position })
    log.close()
    #expect(log.failure?.code == .closed)
    #expect(throws: LogRefusal.unavailable) { try log.append([append(orders, 1)], by: nil) }
  }

  @Test func wakesTheOthersAndNotTheAppender() throws {
    let fixture = LogFixture()
    let log = fixture.log
    let (one, other) = (TestOwner(), TestOwner())
    try log.subscribe(one, to: [orders: -1])
    try log.subscribe(other, to: [stock: -1])
    #expect(eventually { isLive(log, [one, other]) })
    let (before, otherBefore) = (one.wakeCount, other.wakeCount)
    _ = try log.append([append(orders, 2), append(stock, 3), append(stock, 4)], by: one)
    #expect(one.wakeCount == before)
    #expect(other.wakeCount == otherBefore + 1, "one wake-up for both records")
    #expect(one.collect(1, from: log).map(\.number) == [2])
    #expect(other.collect(2, from: log).map(\.number) == [3, 4])
    log.close()
  }

  /// Whether both subscriptions get records before these are durable; takes everything.
  private func isLive(_ log: any EventLog, _ owners: [TestOwner]) -> Bool {
    guard (try? log.append([append(orders, 1), append(stock, 1)], by: nil)) != nil else { return false }
    let taken = owners.map { log.takeDeliveries(of: $0, recordsMax: 100) }
    for owner in owners { log.flushHint(by: owner) }
    return taken.allSatisfy { $0.last?.position ?? .zero > .zero }
  }

  @Test func handsOverInPartsAndWakesForTheRest() throws {
    let fixture = LogFixture()
    let log = fixture.log
    let owner = TestOwner()
    _ = try log.append((0..<10).map { append(orders, $0) }, by: nil)
    log.flushHint(by: nil)
    try log.subscribe(owner, to: [orders: -1])
    #expect(eventually { owner.wakeCount > 0 })
    var all: [Delivery] = []
    while all.count < 10 {
      let wakes = owner.wakeCount
      let part = log.takeDeliveries(of: owner, recordsMax: 4)
      all += part
      #expect(part.count <= 4)
      #expect(eventually { all.count == 10 || owner.wakeCount > wakes })
    }
    #expect(all.map(\.number) == (0..<10).map { $0 })
    log.close()
  }

  @Test func goesOnBehindAnOffset() throws {
    let fixture = LogFixture()
    let log = fixture.log
    let position = try log.append((0..<10).map { append($0 % 2 == 0 ? orders : stock, $0) }, by: nil)
    log.flushHint(by: nil)
    #expect(eventually { log.durable >= position })
    let owner = TestOwner()
    try log.subscribe(owner, to: [orders: 1, stock: 3, payments: -1])
    #expect(
      owner.collect(4, from: log).map(\.text) == ["orders-0@2=4", "orders-0@3=6", "orders-0@4=8", "stock-1@4=9"])
    log.close()
  }

  @Test func givesAPartitionToItsNewestOwner() throws {
    let fixture = LogFixture()
    let log = fixture.log
    let (old, new) = (TestOwner(), TestOwner())
    try log.subscribe(old, to: [orders: -1, stock: -1])
    _ = try log.append([append(orders, 1), append(stock, 2)], by: nil)
    log.flushHint(by: nil)
    #expect(eventually { old.wakeCount > 0 })
    try log.subscribe(new, to: [orders: -1, stock: -1])
    let position = try log.append([append(orders, 3)], by: new)
    #expect(new.collect(3, from: log).map(\.text) == ["orders-0@0=1", "stock-1@0=2", "orders-0@1=3"])
    #expect(log.takeDeliveries(of: old, recordsMax: 10).isEmpty)
    #expect(eventually { log.durable >= position }, "what the old owner never gave back holds nothing up")
    log.close()
  }

  @Test func refusesWhatItDoesNotHave() throws {
    let fixture = LogFixture()
    let log = fixture.log
    let owner = TestOwner()
    #expect(throws: LogFailure.self) { try log.subscribe(owner, to: [PartitionID(.orders, 99): -1]) }
    #expect(throws: LogFailure.self) { try log.subscribe(owner, to: [orders: 0]) }
    #expect(throws: LogRefusal.unavailable) { try log.append([append(PartitionID(.stock, 99), 1)], by: nil) }
    #expect(log.failure == nil)
    log.close()
  }

  @Test func keepsCountingAfterATrim() throws {
    let fixture = LogFixture()
    let log = fixture.log
    let owner = TestOwner()
    try log.subscribe(owner, to: [orders: -1])
    _ = try log.append((0..<5).map { append(orders, $0) }, by: owner)
    #expect(owner.collect(5, from: log).count == 5)
    log.trim(orders, through: 4)
    _ = try log.append([append(orders, 5)], by: owner)
    #expect(owner.collect(1, from: log).map(\.text) == ["orders-0@5=5"])
    log.close()
  }

  /// Four threads append to random partitions, two owners take: each partition's offsets come without gaps, each
  /// thread's records in its order, and what is durable grows up to the end.
  @Test(arguments: [UInt64(1), 2, 3])
  func keepsTheOrderOfManyThreads(_ seed: UInt64) async throws {
    let fixture = LogFixture()
    let log = fixture.log
    let owners = [TestOwner(), TestOwner()]
    let partitions = Service.allCases.flatMap { service in (0..<4).map { PartitionID(service, $0) } }
    for (place, owner) in owners.enumerated() {
      let own = partitions.enumerated().filter { $0.offset % 2 == place }.map { ($0.element, Int64(-1)) }
      try log.subscribe(owner, to: Dictionary(uniqueKeysWithValues: own))
    }
    let perThread = 600
    let all = try await withThrowingTaskGroup(of: [Delivery].self) { group in
      for thread in 0..<4 {
        group.addTask {
          var random = SeededGenerator(seed: seed * 10 + UInt64(thread))
          var number = Int64(thread) * 1_000_000
          while number % 1_000_000 < perThread {
            let count = min(Int64.random(in: 1...7, using: &random), Int64(perThread) - number % 1_000_000)
            let appends = (0..<count).map {
              append(partitions[Int.random(in: 0..<partitions.count, using: &random)], number + $0)
            }
            _ = try log.append(appends, by: nil)
            log.flushHint(by: nil)
            number += count
          }
          return []
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
        + collectAll(owners, from: log, count: 4 * perThread)
    }
    check(all, perThread: perThread, seed: seed)
    #expect(eventually { log.durable == LogPosition(UInt64(4 * perThread)) }, "seed \(seed)")
    log.close()
  }

  private func collectAll(_ owners: [TestOwner], from log: any EventLog, count: Int) -> [Delivery] {
    var all: [Delivery] = []
    _ = eventually {
      for owner in owners {
        all += log.takeDeliveries(of: owner, recordsMax: 100)
        log.flushHint(by: owner)
      }
      return all.count >= count
    }
    return all
  }

  private func check(_ all: [Delivery], perThread: Int, seed: UInt64) {
    #expect(all.count == 4 * perThread, "seed \(seed)")
    for (partition, deliveries) in Dictionary(grouping: all, by: \.partition) {
      #expect(deliveries.map(\.offset) == (0..<Int64(deliveries.count)).map { $0 }, "\(partition), seed \(seed)")
      for (_, ofThread) in Dictionary(grouping: deliveries, by: { ($0.number ?? 0) / 1_000_000 }) {
        #expect(ofThread.map { $0.number ?? 0 } == ofThread.map { $0.number ?? 0 }.sorted(), "seed \(seed)")
      }
    }
  }
}
