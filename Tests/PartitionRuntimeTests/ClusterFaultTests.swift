import EventLog
import Glibc
import Model
import PartitionCore
import StateStore
import TestSupport
import Testing

@testable import PartitionRuntime

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
    #expect(try add(1, pod) == .outcome(.done, isReplayed: false))
    #expect(try credit(pod) == 101)
    #expect(pod.reports.first { $0.partition == payments }?.epoch == 2)
    #expect(pod.breaks == [payments])
    #expect(pod.pending.isEmpty)
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
    #expect(eventually { pod.breaks.count >= 4 })
    // After breaks at 0, 0, 100 and 300 ms the next one comes at 700 ms.
    #expect(eventually { pod.pending.first?.reason?.contains("breaks off at offset") == true })
    #expect(pod.breaks.count < 12)
    #expect(pod.reports.allSatisfy { $0.partition != payments || $0.status == .replaying })
    pod.log.breakOff(payments, times: 0)
    #expect(try credit(pod) == 100)
    #expect(try add(1, pod) == .outcome(.done, isReplayed: false))
    #expect(eventually { pod.reports.allSatisfy { $0.checkpointedOffset == $0.appliedOffset } })
    // A checkpoint was written: the next break is the first one again.
    let count = pod.breaks.count
    pod.log.breakOff(payments)
    #expect(eventually { pod.breaks.count == count + 1 })
    #expect(try credit(pod) == 101)
  }

  /// A partition that met a record which it cannot apply goes to whom the group says, and holds up no end of a pod.
  @Test func aStoppedPartitionIsLetGo() throws {
    let cluster = try TestCluster(partitions: 1, leaseMilliseconds: 100)
    let (first, second) = (try cluster.pod(), try cluster.pod())
    defer { second.stop(handoverMilliseconds: 0) }
    cluster.deal(to: [first], idle: [second])
    #expect(first.waitUntilReady() && second.waitUntilReady())
    try fill([first], credit: 100, stock: 3)
    let payments = PartitionID(.payments, 0)
    let poison = Entry(time: .zero, body: .control(.rules(version: 99)))
    let append = Append(partition: payments, record: Record(entries: [poison]), isRefusable: false)
    _ = try first.log.append([append], by: nil)
    #expect(eventually { first.isStopped(payments) })
    #expect(try add(1, first) == .refused(.partitionStopped(payments)))
    cluster.deal(to: [second, first])
    #expect(eventually { second.isStopped(payments) && first.reports.allSatisfy { $0.partition != payments } })
    #expect(cluster.broker.controls(of: payments).contains(.released(epoch: 1)))
    cluster.deal(to: [first, second])
    #expect(eventually { first.isStopped(payments) && second.reports.allSatisfy { $0.partition != payments } })
    cluster.deal(to: [second, first])
    let clock = ContinuousClock()
    let start = clock.now
    first.stop(handoverMilliseconds: 15_000)
    #expect(clock.now - start < .seconds(10))
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

  /// A database that answers no load: no more of the partition's log is held than its bound, and the others go on.
  @Test func aPartitionThatWaitsForALoadHoldsABoundedPartOfItsLog() throws {
    let cluster = try TestCluster(partitions: 2)
    let pod = try cluster.pod { $0.core.queuedEntriesMax = 8 }
    defer { pod.kill() }
    cluster.deal(to: [pod])
    #expect(pod.waitUntilReady())
    cluster.store.failLoads(with: StoreFailure(.read, "away"))
    let stuck = cluster.partitioner.partition(of: user)
    let other = PartitionID(.payments, 1 - stuck.index)
    let client = cluster.broker.connect()
    func append(_ numbers: Range<UInt64>) throws {
      let commands = numbers.map { number in
        Entry(
          time: .zero,
          body: .command(
            ClientCommand(
              request: RequestID(incarnation: 99, lane: 0, number: number), idempotency: nil, trace: nil,
              command: .payments(number == 0 ? .create(user, .derived) : .addFunds(user, Money(unchecked: 1))))))
      }
      _ = try client.append(
        commands.map { Append(partition: stuck, record: Record(entries: [$0]), isRefusable: true) }, by: nil)
    }
    func report(_ partition: PartitionID) -> PartitionReport? { pod.reports.first { $0.partition == partition } }
    try append(0..<8)
    #expect(eventually { (report(stuck)?.queuedRecords ?? 0) >= 8 })
    let held = report(stuck)?.queuedRecords ?? 0
    #expect(held <= 9, "what the owner itself says may be among them")
    let applied = report(other)?.appliedOffset ?? 0
    try append(8..<100)
    _ = try client.append(
      [
        Append(
          partition: other,
          record: Record(entries: [Entry(time: .zero, body: .control(.rules(version: Rules.current)))]),
          isRefusable: false)
      ], by: nil)
    #expect(eventually { (report(other)?.appliedOffset ?? 0) > applied })
    #expect(report(stuck)?.queuedRecords == held)
    cluster.store.failLoads(with: nil)
    #expect(eventually { report(stuck)?.queuedRecords == 0 && pod.runtime.phase == .running })
    #expect(try credit(pod) == 99)
  }
}
