import Dispatch
import Ports
import Model
import PartitionCore
import Streams
import Synchronization
import TestSupport
import Testing

@testable import Runtime

/// Requests over real lanes and their partitions' owners, with log and store in memory.
@Suite struct OwnerRuntimeTests {
  let order = OrderID(unchecked: "order")
  let user = UserID(unchecked: "user")
  let items = (0..<6).map { ItemID(unchecked: "item\($0)") }

  /// A user with credit, an order with one unit of each item, and stock.
  private func fill(_ bench: OwnerBench, credit: Int64, stock: Int64) throws {
    let price = Money(unchecked: 10)
    #expect(try bench.submit(.payments(.create(user, .random))) == .outcome(.created(id: "user"), isReplayed: false))
    _ = try bench.submit(.payments(.addFunds(user, Money(unchecked: credit))))
    _ = try bench.submit(.orders(.create(order, user: user, .random)))
    for (index, item) in items.enumerated() {
      let lane = index % bench.lanes.count
      _ = try bench.submit(.stock(.create(item, price: price, .random)), lane: lane)
      _ = try bench.submit(.stock(.add(item, Quantity(unchecked: stock))), lane: lane)
      _ = try bench.submit(.orders(.addItem(order, item, .one, price: price)), lane: lane)
    }
  }

  private func stock(_ item: ItemID, _ bench: OwnerBench) throws -> Int64? {
    guard case .view(.item(let view)) = try bench.ask(.item(item), lane: 1) else { return nil }
    return view?.available.value
  }

  private func credit(_ bench: OwnerBench) throws -> Int64? {
    guard case .view(.user(let view)) = try bench.ask(.user(user)) else { return nil }
    return view?.credit.value
  }

  @Test func checkoutOverAllLanesTakesStockAndMoneyOnce() throws {
    let bench = try OwnerBench()
    defer { bench.stop() }
    try fill(bench, credit: 100, stock: 3)
    for _ in 0..<2 {
      #expect(try bench.submit(.orders(.checkout(order)), lane: 1) == .outcome(.done, isReplayed: false))
    }
    #expect(try credit(bench) == 40)
    for item in items { #expect(try stock(item, bench) == 2) }
  }

  @Test func failedCheckoutLeavesEverythingAsItWas() throws {
    let bench = try OwnerBench()
    defer { bench.stop() }
    try fill(bench, credit: 59, stock: 3)
    let refusal = Refusal.checkoutFailed(order, .outOfCredit(user))
    #expect(try bench.submit(.orders(.checkout(order))) == .outcome(.refused(refusal), isReplayed: false))
    #expect(try credit(bench) == 59)
    for item in items { #expect(try stock(item, bench) == 3) }
  }

  @Test func nothingIsRevealedBeforeItIsDurable() throws {
    let bench = try OwnerBench()
    defer { bench.stop() }
    try fill(bench, credit: 100, stock: 3)
    bench.log.holdDurability()
    let partition = bench.partitioner.partition(of: user)
    let command = Command.payments(.addFunds(user, Money(unchecked: 1)))
    let write = bench.begin(1) { port, number throws(RequestRefusal) in
      try port.submit(command, to: partition, number: number, idempotency: nil, trace: nil)
    }
    // Behind the write on the same lanes, so the partition has applied it.
    let query = Query.user(user)
    let read = bench.begin(1) { port, number throws(RequestRefusal) in try port.ask(query, number: number) }
    let other = Query.item(items[0])
    let unchanged = bench.begin(0) { port, number throws(RequestRefusal) in try port.ask(other, number: number) }
    #expect(unchanged.wait() != nil)
    #expect(write.wait(seconds: 0.2) == nil)
    for lane in bench.lanes.indices { #expect(try bench.look(query, lane: lane) == nil) }
    bench.log.releaseDurability()
    #expect(write.wait() == .outcome(.done, isReplayed: false))
    #expect(read.wait() != nil)
  }

  /// Only the owner's lane has a key in memory, and shows it as soon as it may be shown.
  @Test func oneLaneCanLookAtAKey() throws {
    let bench = try OwnerBench()
    defer { bench.stop() }
    try fill(bench, credit: 100, stock: 3)
    let unknown = Query.user(UserID(unchecked: "nobody"))
    let views = try bench.lanes.indices.compactMap { try bench.look(.user(user), lane: $0) }
    #expect(views == [.user(UserView(id: user, credit: Money(unchecked: 100)))])
    for lane in bench.lanes.indices { #expect(try bench.look(unknown, lane: lane) == nil, "it may be in the store") }
  }

  @Test func replayAfterAKillFindsEverything() throws {
    let log = MemoryRecordLog(partitionCount: 4)
    let store = MemoryStore()
    let first = try OwnerBench(log: log, store: store)
    try fill(first, credit: 100, stock: 3)
    #expect(try first.submit(.orders(.checkout(order)), key: "k") == .outcome(.done, isReplayed: false))
    first.kill()
    let second = try OwnerBench(laneCount: 3, incarnation: 2, log: log, store: store)
    defer { second.stop() }
    let again = try second.submit(.orders(.checkout(order)), key: "k")
    #expect(again == .outcome(.done, isReplayed: true))
    let credit = try second.ask(.user(user))
    #expect(credit == .view(.user(UserView(id: user, credit: Money(unchecked: 40)))))
    for item in items { #expect(try stock(item, second) == 2) }
  }

  @Test func orderlyStopLeavesNothingToReplay() throws {
    let log = MemoryRecordLog(partitionCount: 4)
    let store = MemoryStore()
    let first = try OwnerBench(log: log, store: store)
    try fill(first, credit: 100, stock: 3)
    first.stop()
    for service in Service.allCases {
      for index in 0..<4 {
        let partition = PartitionID(service, UInt16(index))
        let header = try store.acquire(partition).recovery.header
        #expect(header?.offset == log.nextOffset(of: partition) - 1)
      }
    }
  }

  @Test func aStopDoesNotAwaitCheckpointsOfWhatAFailedLogLost() throws {
    let bench = try OwnerBench { $0.checkpointIntervalMilliseconds = 60_000 }
    try fill(bench, credit: 100, stock: 3)
    bench.log.holdDurability()
    let (user, partition) = (user, bench.partitioner.partition(of: user))
    let pending = bench.begin(0) { port, number throws(RequestRefusal) in
      try port.submit(
        .payments(.addFunds(user, Money(unchecked: 1))), to: partition, number: number, idempotency: nil, trace: nil)
    }
    bench.log.fail(LogFailure(.write, "the disk is full"))
    let result = try #require(pending.wait())
    #expect(result == .refused(.outcomeUnknown) || result == .refused(.logFailed))
    let done = DispatchSemaphore(value: 0)
    bench.runtime.stop(answersMilliseconds: 60_000) { done.signal() }
    #expect(done.wait(timeout: .now() + 20) == .success)
    bench.kill()
  }

  @Test func aFailedLogLetsReadsOfWhatIsDurableGoOn() throws {
    let bench = try OwnerBench()
    defer { bench.kill() }
    try fill(bench, credit: 100, stock: 3)
    bench.log.holdDurability()
    let (user, partition) = (user, bench.partitioner.partition(of: user))
    let write = bench.begin(0) { port, number throws(RequestRefusal) in
      try port.submit(
        .payments(.addFunds(user, Money(unchecked: 1))), to: partition, number: number, idempotency: nil, trace: nil)
    }
    let isApplied = eventually {
      bench.lanes.indices.allSatisfy { (try? bench.look(.user(user), lane: $0)) == .some(nil) }
    }
    #expect(isApplied)
    bench.log.fail(LogFailure(.write, "the disk is full"))
    let result = try #require(write.wait())
    #expect(result == .refused(.outcomeUnknown) || result == .refused(.logFailed))
    // What the user has is not durable, and never will be; an item is as it was.
    #expect(try bench.ask(.user(user)) == .refused(.logFailed))
    #expect(try stock(items[0], bench) == 3)
    #expect(try bench.submit(.payments(.addFunds(user, Money(unchecked: 1)))) == .refused(.logFailed))
  }

  @Test func commandsOfAStoppingProcessAreRefused() throws {
    let bench = try OwnerBench()
    bench.runtime.stop(answersMilliseconds: 100) {}
    #expect(try bench.submit(.payments(.create(user, .random))) == .refused(.stopping))
    bench.kill()
  }

  /// Fills a shop, kills it, and has one more record stand in a partition's log.
  private func shop(with entry: LoggedInput, in partition: PartitionID) throws -> OwnerBench {
    let log = MemoryRecordLog(partitionCount: 4)
    let store = MemoryStore()
    let first = try OwnerBench(log: log, store: store) { $0.checkpointIntervalMilliseconds = 60_000 }
    try fill(first, credit: 100, stock: 3)
    first.kill()
    let newest = try #require(log.records(of: partition).last)
    let record = TurnRecord(
      owner: newest.owner, number: (newest.number ?? 0) + 1, time: .zero, entries: [entry])
    log.attach([SilentLane()])
    log.append([RecordAppend(partition: partition, record: .turn(record))], by: 0, expecting: [])
    log.turnEnded(by: 0)
    return try OwnerBench(incarnation: 2, log: log, store: store)
  }

  private final class SilentLane: LogLane {
    func logHasNews() {}
  }

  @Test func aRecordThatCannotBeAppliedStopsItsPartitionOnly() throws {
    let partitioner = try #require(Partitioner(count: 4))
    let stopped = partitioner.partition(of: user)
    let origin = LoggedInput.Origin(source: .partition(PartitionID(.stock, 0)), number: 7)
    let attempt = AttemptID(order: order, number: 1)
    let bench = try shop(with: LoggedInput(origin: origin, body: .message(.commit(attempt))), in: stopped)
    defer { bench.stop() }
    let refused = RequestResult.refused(.partitionStopped(stopped))
    #expect(try bench.submit(.payments(.addFunds(user, Money(unchecked: 1)))) == refused)
    #expect(try bench.ask(.user(user)) == refused)
    #expect(try stock(items[0], bench) == 3)
    let isReported = bench.reported.contains {
      if case .partitionStopped(stopped, _, "input 7 of stock-0: gap(expected: 1)") = $0 { true } else { false }
    }
    #expect(isReported, "\(bench.reported)")
    #expect(bench.reports.filter { if case .stopped = $0.status { true } else { false } }.map(\.partition) == [stopped])
  }

  /// The format knows 4096 partitions, this process has 4.
  @Test func aStopBeyondTheCountStopsThatPartitionOnly() throws {
    let slip = Slip(
      attempt: AttemptID(order: order, number: 1), user: user, total: Money(unchecked: 1),
      stops: [Slip.Stop(partition: 4_095, lines: [Slip.Line(item: items[0], quantity: .one)])], trace: nil)
    let partitioner = try #require(Partitioner(count: 4))
    let stopped = partitioner.partition(of: user)
    let origin = LoggedInput.Origin(source: .partition(PartitionID(.stock, 0)), number: 1)
    let bench = try shop(with: LoggedInput(origin: origin, body: .message(.charge(slip))), in: stopped)
    defer { bench.stop() }
    let isStopped = bench.reported.contains {
      guard case .partitionStopped(stopped, _, let reason) = $0 else { return false }
      return reason.hasSuffix("a slip with a stop at stock-4095, a partition that does not exist")
    }
    #expect(isStopped, "\(bench.reported)")
    #expect(try stock(items[0], bench) == 3)
  }

  @Test func aReadThatCannotBeLoadedKeepsNobodyElseWaiting() throws {
    let bench = try OwnerBench(partitions: 1)
    defer { bench.stop() }
    try fill(bench, credit: 100, stock: 3)
    bench.store.failLoads(with: StoreFailure(.read, "away"))
    let unknown = Query.user(UserID(unchecked: "unknown"))
    let read = bench.begin(0) { port, number throws(RequestRefusal) in try port.ask(unknown, number: number) }
    let partition = unknown.partition(by: bench.partitioner)
    #expect(
      eventually { bench.reported.contains { if case .storeFailed(partition, _) = $0 { true } else { false } } })
    #expect(try bench.submit(.orders(.checkout(order))) == .outcome(.done, isReplayed: false))
    #expect(bench.reports.allSatisfy { $0.status == .running })
    bench.store.failLoads(with: nil)
    #expect(read.wait() == .view(.user(nil)))
  }

  @Test func aCommandThatCannotBeLoadedHoldsUpItsPartitionOnlyAndNoLongerThanThat() throws {
    let bench = try OwnerBench()
    defer { bench.stop() }
    try fill(bench, credit: 100, stock: 3)
    bench.store.failLoads(with: StoreFailure(.read, "away"))
    let unknown = UserID(unchecked: "unknown")
    let partition = bench.partitioner.partition(of: unknown)
    let waiting = bench.begin(0) { port, number throws(RequestRefusal) in
      try port.submit(
        .payments(.addFunds(unknown, Money(unchecked: 1))), to: partition, number: number, idempotency: nil, trace: nil)
    }
    func isWaiting() -> [PartitionID] {
      bench.reports.filter {
        if case .waitingForStore = $0.status { true } else { false }
      }
      .map(\.partition)
    }
    #expect(eventually { isWaiting() == [partition] })
    #expect(try bench.submit(.payments(.addFunds(unknown, Money(unchecked: 1)))) == .refused(.overloaded))
    #expect(try stock(items[0], bench) == 3)
    bench.store.failLoads(with: nil)
    #expect(waiting.wait() == .outcome(.refused(.unknownUser(unknown)), isReplayed: false))
    #expect(eventually { isWaiting().isEmpty })
    #expect(try bench.submit(.payments(.addFunds(unknown, Money(unchecked: 1)))) != .refused(.overloaded))
  }

  /// A store that names such a stop.
  @Test func aHoldThatIsNowhereStopsItsPartitionOnly() throws {
    let store = MemoryStore()
    let partition = PartitionID(.stock, 0)
    let attempt = AttemptID(order: order, number: 1)
    let slip = Slip(
      attempt: attempt, user: user, total: Money(unchecked: 1),
      stops: [0, 4_095].map { Slip.Stop(partition: $0, lines: [Slip.Line(item: items[0], quantity: .one)]) },
      trace: nil)
    let change = EntityChange(key: .hold(attempt), value: .hold(Hold(slip: slip, stop: 0, status: .held)))
    let header = CheckpointHeader(
      partition: partition, offset: -1, now: .zero, rulesVersion: 1, dedup: [], ledger: Ledger())
    let isWritten = DispatchSemaphore(value: 0)
    let epoch = try store.acquire(partition).epoch
    store.write(CheckpointBatch(header: header, changes: [change]), epoch: epoch) { _ in isWritten.signal() }
    #expect(isWritten.wait(timeout: .now() + 10) == .success)
    let bench = try OwnerBench(store: store)
    defer { bench.stop() }
    let isStopped = bench.reported.contains {
      guard case .partitionStopped(partition, _, let reason) = $0 else { return false }
      return reason == "the store's hold of order/1 names a stop of another partition, or none at all"
    }
    #expect(isStopped)
    #expect(try bench.submit(.payments(.create(user, .random))) == .outcome(.created(id: "user"), isReplayed: false))
  }

  @Test func theAgeOfACheckpointGrowsWhileTheStoreFails() throws {
    // What the partition wrote down at its start may wait for a checkpoint already.
    let began = ContinuousClock.now
    let bench = try OwnerBench()
    defer { bench.stop() }
    let partition = bench.partitioner.partition(of: user)
    bench.store.failWrites(with: StoreFailure(.write, "no room"))
    _ = try bench.submit(.payments(.create(user, .random)))
    // Dozens of checkpoints fail meanwhile, and each leaves the age as it is.
    let report = try bench.awaitReport(of: partition) { $0.checkpointsFailed >= 10 }
    let passed = began.duration(to: .now) / .milliseconds(1)
    let age = Double(report.checkpointAgeMilliseconds)
    #expect(age >= 20 * 9 && age <= passed + 10)
    bench.store.failWrites(with: nil)
    let caughtUp = try bench.awaitReport(of: partition) { $0.checkpointAgeMilliseconds == 0 }
    #expect(caughtUp.checkpointedOffset == caughtUp.appliedOffset)
  }
}
