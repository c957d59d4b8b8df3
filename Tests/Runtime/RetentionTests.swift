import Model
import PartitionCore
import Ports
import TestSupport
import Testing

@testable import Runtime

/// Old orders go, by themselves: the owner finds them in the store.
@Suite struct RetentionTests {
  private let user = UserID(unchecked: "user")
  private func id(_ number: Int) -> OrderID { OrderID(unchecked: "order\(number)") }
  private func ids(_ numbers: Range<Int>) -> Set<String> { Set(numbers.map { id($0).text }) }

  private func create(_ numbers: Range<Int>, _ submit: (Command) throws -> RequestResult) throws {
    _ = try submit(.payments(.create(user, .random)))
    for number in numbers {
      let made = try submit(.orders(.create(id(number), user: user, .random)))
      #expect(made == .outcome(.created(id: id(number).text), isReplayed: false))
    }
  }

  private func removed(_ reports: [PartitionReport]) -> UInt64 { reports.reduce(0) { $0 + $1.ordersRemoved } }

  private func logged(_ events: [RuntimeEvent]) -> UInt64 {
    events.reduce(0) { if case .ordersRemoved(_, let count) = $1 { $0 + count } else { $0 } }
  }

  @Test func oldOrdersAreRemovedAndYoungOnesStay() throws {
    let world = RetentionWorld()
    let bench = try world.bench()
    defer { bench.stop() }
    try create(0..<30) { try bench.submit($0) }
    world.time.pass(59_000)
    try create(30..<40) { try bench.submit($0) }
    // One that is as old as the others was changed since.
    let item = ItemID(unchecked: "item")
    let added = try bench.submit(.orders(.addItem(id(7), item, .one, price: Money(unchecked: 3))))
    #expect(added == .outcome(.total(Money(unchecked: 3)), isReplayed: false))
    #expect(eventually { world.stored == ids(0..<40) })
    #expect(removed(bench.reports) == 0)
    world.time.pass(1_000)
    #expect(eventually { world.stored == ids(30..<40).union([id(7).text]) })
    #expect(try bench.ask(.order(id(3))) == .view(.order(nil)))
    #expect(removed(bench.reports) == 29)
    #expect(eventually { logged(bench.reported) == 29 }, "\(bench.reported)")
    // Whoever uses the id again gets a new order.
    let again = try bench.submit(.orders(.create(id(3), user: user, .random)))
    #expect(again == .outcome(.created(id: id(3).text), isReplayed: false))
    world.time.pass(60_000)
    #expect(eventually { world.stored.isEmpty })
    #expect(removed(bench.reports) == 41)
  }

  @Test func whatWasPaidForThemGoesToo() throws {
    let world = RetentionWorld()
    let bench = try world.bench()
    defer { bench.stop() }
    try create(0..<2) { try bench.submit($0) }
    let (item, price) = (ItemID(unchecked: "item"), Money(unchecked: 10))
    _ = try bench.submit(.payments(.addFunds(user, Money(unchecked: 100))))
    _ = try bench.submit(.stock(.create(item, price: price, .random)))
    _ = try bench.submit(.stock(.add(item, Quantity(unchecked: 3))))
    _ = try bench.submit(.orders(.addItem(id(0), item, .one, price: price)))
    #expect(try bench.submit(.orders(.checkout(id(0)))) == .outcome(.done, isReplayed: false))
    #expect(try bench.ask(.payment(user, id(0))) == .view(.payment(isPaid: true)))
    world.time.pass(60_000)
    #expect(eventually { (try? bench.ask(.payment(user, id(0)))) == .view(.payment(isPaid: false)) })
    #expect(try bench.ask(.user(user)) == .view(.user(UserView(id: user, credit: Money(unchecked: 90)))))
    #expect(eventually { world.stored.isEmpty })
  }

  @Test func withoutRetentionNothingGoes() throws {
    let world = RetentionWorld()
    let first = try world.bench(retention: nil)
    try create(0..<10) { try first.submit($0) }
    #expect(eventually { world.stored == ids(0..<10) })
    world.time.pass(1_000_000_000)
    try create(10..<20) { try first.submit($0) }
    #expect(eventually { world.stored == ids(0..<20) })
    #expect(removed(first.reports) == 0)
    first.stop()
    // With it, the next owner removes what is old by then.
    let second = try world.bench(run: 2)
    defer { second.stop() }
    #expect(eventually { world.stored == ids(10..<20) })
    #expect(removed(second.reports) == 10)
  }

  /// What the log says of earlier owners is not counted again.
  @Test func aReplayFindsThemGone() throws {
    let world = RetentionWorld()
    let first = try world.bench()
    try create(0..<10) { try first.submit($0) }
    #expect(eventually { world.stored == ids(0..<10) })
    // From now on only the log learns of anything.
    world.store.failWrites(with: StoreFailure(.write, "the disk is full"))
    world.time.pass(60_000)
    #expect(eventually { removed(first.reports) == 10 })
    first.kill()
    #expect(world.stored == ids(0..<10))
    world.store.failWrites(with: nil)
    let second = try world.bench(run: 2)
    defer { second.stop() }
    for number in 0..<10 { #expect(try second.ask(.order(id(number))) == .view(.order(nil))) }
    #expect(eventually { world.stored.isEmpty })
    #expect(removed(second.reports) == 0)
  }

  @Test func aStoreThatCannotBeReadIsReadAgain() throws {
    let world = RetentionWorld()
    let bench = try world.bench()
    defer { bench.stop() }
    try create(0..<10) { try bench.submit($0) }
    #expect(eventually { world.stored == ids(0..<10) })
    world.store.failLoads(with: StoreFailure(.read, "the disk is asleep"))
    world.time.pass(60_000)
    let isReported = eventually {
      bench.reported.contains { if case .storeFailed(_, "the disk is asleep") = $0 { true } else { false } }
    }
    #expect(isReported && world.stored == ids(0..<10))
    world.store.failLoads(with: nil)
    #expect(eventually { world.stored.isEmpty })
  }

  // MARK: Pods

  @Test func podsRemoveThemAndSuccessorsGoOn() throws {
    let cluster = try TestCluster()
    func change(_ options: inout RuntimeOptions) {
      options.rules.orderRetentionMilliseconds = 60_000
      options.orderPace = RetentionWorld.pace
    }
    let (first, second) = (try cluster.pod(change: change), try cluster.pod(change: change))
    defer { second.kill() }
    cluster.deal(to: [first], idle: [second])
    #expect(first.waitUntilReady() && second.waitUntilReady())
    try create(0..<20) { try first.requests.submit($0) }
    cluster.time.pass(60_000)
    #expect(eventually { removed(first.reports) == 20 })
    try create(20..<40) { try second.requests.submit($0) }
    // No pod waits for a sweep, so nothing is kept for one.
    #expect(eventually { first.isCheckpointed })
    first.kill()
    for index in 0..<4 {
      let partition = PartitionID(.orders, UInt16(index))
      let replies = try cluster.store.acquire(partition).recovery.replies
      #expect(!replies.contains { $0.request.isSweep })
    }
    cluster.deal(to: [second])
    cluster.time.pass(60_000)
    #expect(eventually { removed(second.reports) == 20 })
    for number in 0..<40 { #expect(try second.requests.ask(.order(id(number))) == .view(.order(nil))) }
  }
}
