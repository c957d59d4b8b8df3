import Ports
import Glibc
import Model
import PartitionCore
import Streams
import TestSupport
import Testing

@testable import Runtime

/// Pods whose log or store fails.
extension ClusterTests {
  /// The log lost something: the owner takes the partition over anew, from its checkpoint.
  @Test func aLogThatBreaksOffIsTakenOverAnew() throws {
    let cluster = try TestCluster(partitions: 1, leaseMilliseconds: 100)
    let pod = try cluster.pod()
    defer { pod.stop(handoverMilliseconds: 0) }
    cluster.deal(to: [pod])
    #expect(pod.waitUntilReady())
    try fill([pod], credit: 100, stock: 3)
    let payments = PartitionID(.payments, 0)
    pod.log.breakOff(payments)
    // Its next append is not where it has to be, so it reads.
    cluster.broker.repeatNewest(of: payments)
    #expect(try add(1, pod) == .outcome(.done, isReplayed: false))
    #expect(try credit(pod) == 101)
    #expect(pod.reports.first { $0.partition == payments }?.epoch == 2)
    #expect(pod.breaks == [payments])
    #expect(pod.pending.isEmpty)
  }

  /// What waits for a log that confirms nothing waits for as long as a request may take. What comes later is refused at
  /// once, at the owner and at the others, until the log has confirmed something again.
  @Test func whoCannotReachTheLogTakesNothingMore() throws {
    let cluster = try TestCluster(partitions: 1, leaseMilliseconds: 100)
    let wait: Int64 = 500
    let owner = try cluster.pod { $0.replyMilliseconds = wait }
    let other = try cluster.pod { $0.replyMilliseconds = wait }
    defer { for pod in [owner, other] { pod.kill() } }
    cluster.deal(to: [owner], idle: [other])
    #expect(owner.waitUntilReady() && other.waitUntilReady())
    try fill([owner, other], credit: 100, stock: 3)
    #expect(owner.reports.allSatisfy { $0.appendAgeMilliseconds < wait })

    owner.log.cutOff()
    let payments = PartitionID(.payments, 0)
    let command = Command.payments(.addFunds(user, Money(unchecked: 1)))
    let waiting = [other, owner].map { pod in
      pod.requests.begin(0) { port, number throws(RequestRefusal) in
        try port.submit(command, to: payments, number: number, idempotency: nil, trace: nil)
      }
    }
    #expect(eventually { owner.reports.contains { $0.partition == payments && $0.appendAgeMilliseconds > 2 * wait } })
    for pod in [owner, other] {
      #expect(try add(1, pod) == .refused(.undecidable))
      #expect(try pod.requests.ask(.user(user)) == .refused(.undecidable))
    }
    owner.log.heal()
    // One whose turn comes after its deadline is not done any more.
    let done = waiting.map { $0.wait() }.count { $0 == .outcome(.done, isReplayed: false) }
    #expect(done >= 1)
    for pod in [owner, other] {
      #expect(eventually { (try? add(1, pod)) == .outcome(.done, isReplayed: false) })
      #expect(try credit(pod) != nil)
    }
    #expect(owner.reports.allSatisfy { $0.appendAgeMilliseconds < wait })
    #expect(try credit(other) == 102 + Int64(done))
  }

  /// A log that cannot be read on is not taken over again and again without a pause, and the operator sees why.
  @Test func aLogThatBreaksOffAgainAndAgainIsTriedSeldom() throws {
    let cluster = try TestCluster(partitions: 1, leaseMilliseconds: 100)
    let pod = try cluster.pod()
    defer { pod.stop(handoverMilliseconds: 0) }
    cluster.deal(to: [pod])
    #expect(pod.waitUntilReady())
    try fill([pod], credit: 100, stock: 3)
    let payments = PartitionID(.payments, 0)
    pod.log.breakOff(payments, times: .max)
    cluster.broker.repeatNewest(of: payments)
    let command = Command.payments(.addFunds(user, Money(unchecked: 1)))
    let write = pod.requests.begin(0) { port, number throws(RequestRefusal) in
      try port.submit(command, to: payments, number: number, idempotency: nil, trace: nil)
    }
    #expect(eventually { pod.breaks.count >= 4 })
    // After breaks at 0, 0, 100 and 300 ms the next one comes at 700 ms.
    #expect(eventually { pod.pending.first?.reason?.contains("breaks off at offset") == true })
    #expect(pod.breaks.count < 12)
    #expect(pod.reports.allSatisfy { $0.partition != payments || $0.status == .replaying })
    pod.log.breakOff(payments, times: 0)
    #expect(write.wait() == .outcome(.done, isReplayed: false))
    #expect(try credit(pod) == 101)
    #expect(try add(1, pod) == .outcome(.done, isReplayed: false))
    #expect(eventually { pod.reports.allSatisfy { $0.checkpointedOffset == $0.appliedOffset } })
    // A checkpoint was written: the next break is the first one again.
    let count = pod.breaks.count
    pod.log.breakOff(payments)
    cluster.broker.repeatNewest(of: payments)
    #expect(try add(1, pod) == .outcome(.done, isReplayed: false))
    #expect(pod.breaks.count == count + 1)
    #expect(try credit(pod) == 103)
  }

  /// A partition that met a record which it cannot apply goes to whom the group says, and holds up no end of a pod.
  @Test func aStoppedPartitionIsLetGo() throws {
    let cluster = try TestCluster(partitions: 1, leaseMilliseconds: 100)
    let before = try cluster.pod()
    cluster.deal(to: [before])
    #expect(before.waitUntilReady())
    try fill([before], credit: 100, stock: 3)
    before.stop(handoverMilliseconds: 0)
    let payments = PartitionID(.payments, 0)
    _ = try poison(payments, cluster)
    let (first, second) = (try cluster.pod(), try cluster.pod())
    defer { second.stop(handoverMilliseconds: 0) }
    cluster.deal(to: [first], idle: [second])
    #expect(eventually { first.isStopped(payments) })
    #expect(first.waitUntilReady() && second.waitUntilReady())
    #expect(try add(1, first) == .refused(.partitionStopped(payments)))
    #expect(eventually { (try? add(1, second)) == .refused(.partitionStopped(payments)) })
    cluster.deal(to: [second, first])
    #expect(eventually { second.isStopped(payments) && first.reports.allSatisfy { $0.partition != payments } })
    cluster.deal(to: [first, second])
    #expect(eventually { first.isStopped(payments) && second.reports.allSatisfy { $0.partition != payments } })
    cluster.deal(to: [second, first])
    let clock = ContinuousClock()
    let start = clock.now
    first.stop(handoverMilliseconds: 15_000)
    #expect(clock.now - start < .seconds(10))
  }

  /// Whatever noted it, before others announced that they serve it.
  @Test func aPartitionThatServesIsNotTakenForUnserved() throws {
    let cluster = try TestCluster(partitions: 1)
    let pod = try cluster.pod()
    defer { pod.kill() }
    cluster.deal(to: [pod])
    #expect(pod.waitUntilReady())
    let unserved = pod.runtime.shared.unserved
    // The first ones may end with what is still noted of the start.
    for _ in 0..<3 {
      unserved.note(PartitionID(.stock, 0), isServed: false)
      #expect(eventually { unserved.partitions.isEmpty })
    }
  }

  @Test func oneStoreThatIsAwayDelaysNoOtherService() throws {
    let cluster = try TestCluster(partitions: 8)
    let pod = try cluster.pod()
    cluster.store.holdAcquisitions(of: [.stock])
    cluster.deal(to: [pod])
    #expect(eventually { pod.reports.count == 16 })
    #expect(pod.reports.allSatisfy { $0.partition.service != .stock })
    cluster.store.holdAcquisitions(of: [])
    #expect(pod.waitUntilReady())
    #expect(pod.reports.count == 24)
    pod.stop(handoverMilliseconds: 0)
  }

  @Test func aStopDoesNotWaitForAStoreThatIsAway() throws {
    let cluster = try TestCluster(partitions: 8)
    let pod = try cluster.pod()
    cluster.store.holdAcquisitions(of: [.orders, .stock])
    cluster.deal(to: [pod])
    #expect(eventually { pod.reports.count == 8 })
    let clock = ContinuousClock()
    let start = clock.now
    pod.stop(handoverMilliseconds: 0)
    #expect(clock.now - start < .seconds(5))
    cluster.store.close()
    pod.runtime.joinTakeovers()
    #expect(pod.failures.isEmpty, "nobody tries again")
    let controls = cluster.broker.controls(of: PartitionID(.payments, 3))
    #expect(controls.last == .released(epoch: 1))
  }

  @Test func aStoreThatIsAwayDelaysATakeover() throws {
    let cluster = try TestCluster(partitions: 1)
    let pod = try cluster.pod()
    defer { pod.kill() }
    cluster.store.failWrites(with: StoreFailure(.write, "away"))
    cluster.deal(to: [pod])
    #expect(eventually { !pod.failures.isEmpty })
    cluster.store.failWrites(with: nil)
    #expect(pod.waitUntilReady())
  }

  /// A database that fails over to a replica that lagged, or is restored, under a running owner: it acquires the
  /// partition anew, each time, and the log gives back what the database lacks.
  @Test func aStoreThatWasSetBackIsTakenOverAnew() throws {
    let cluster = try TestCluster(partitions: 1, leaseMilliseconds: 100)
    let pod = try cluster.pod()
    defer { pod.stop(handoverMilliseconds: 0) }
    cluster.deal(to: [pod])
    #expect(pod.waitUntilReady())
    try fill([pod], credit: 100, stock: 3)
    let payments = PartitionID(.payments, 0)
    func report() -> PartitionReport? { pod.reports.first { $0.partition == payments } }
    for round in Int64(1)...3 {
      #expect(eventually { pod.reports.count == 3 && pod.isCheckpointed })
      let backup = cluster.store.backup()
      let epoch = try #require(report()?.epoch)
      #expect(try add(1, pod) == .outcome(.done, isReplayed: false))
      #expect(eventually { pod.isCheckpointed })
      cluster.store.restore(backup)
      // Its next checkpoint is refused.
      _ = try add(1, pod)
      #expect(eventually { (report()?.epoch ?? 0) > epoch && pod.isCheckpointed && pod.pending.isEmpty })
      #expect(try credit(pod) == 100 + 2 * round)
      #expect(pod.storeFailures.count { $0.contains("payments-0 was set back") } == round)
    }
    #expect(pod.failures.isEmpty)
  }

  /// A database that answers no load: the streams to the partition hold a bounded number of commands, and the other
  /// partitions go on.
  @Test func aPartitionThatWaitsForALoadHoldsUpNobodyElse() throws {
    let cluster = try TestCluster(partitions: 2)
    let pod = try cluster.pod { $0.stream.queuedInputsMax = 8 }
    defer { pod.kill() }
    cluster.deal(to: [pod])
    #expect(pod.waitUntilReady())
    cluster.store.failLoads(with: StoreFailure(.read, "away"))
    let stuck = cluster.partitioner.partition(of: user)
    let created = (0..<40).map { UserID(unchecked: "user\($0)") }
    let mine = created.filter { cluster.partitioner.partition(of: $0) == stuck }
    let pending = mine.prefix(12).map { user in
      pod.requests.begin(0) { port, number throws(RequestRefusal) in
        try port.submit(
          .payments(.create(user, .derived)), to: stuck, number: number, idempotency: nil, trace: nil)
      }
    }
    #expect(pending.count == 12)
    // Nobody waits for a load of what was made just now.
    let other = try #require(created.first { cluster.partitioner.partition(of: $0) != stuck })
    let made = try pod.requests.submit(.payments(.create(other, .random)))
    #expect(made == .outcome(.created(id: other.text), isReplayed: false))
    cluster.store.failLoads(with: nil)
    let results = pending.map { $0.wait() }
    // Once the partition knows that it cannot load it refuses the rest, which may be before the stream is full.
    let (refused, done) = (
      results.count { $0 == .refused(.overloaded) }, results.count { if case .outcome = $0 { true } else { false } }
    )
    #expect(refused >= 4 && done >= 1 && refused + done == 12, "\(results)")
  }
}
