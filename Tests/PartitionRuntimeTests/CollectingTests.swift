import EventLog
import Model
import TestSupport
import Testing

@testable import PartitionRuntime

/// What a lane does with a log that would rather get more at once later.
@Suite struct CollectingTests {
  let user = UserID(unchecked: "user")

  private func pod(_ cluster: TestCluster, _ change: (inout RuntimeOptions) -> Void) throws -> PodBench {
    let pod = try cluster.pod(change: change)
    cluster.deal(to: [pod])
    #expect(pod.waitUntilReady())
    #expect(
      try pod.requests.submit(.payments(.create(user, .random))) == .outcome(.created(id: "user"), isReplayed: false))
    return pod
  }

  private func begin(_ pod: PodBench, _ cluster: TestCluster, count: Int) -> [Pending] {
    let command = Command.payments(.addFunds(user, Money(unchecked: 1)))
    let partition = cluster.partitioner.partition(of: user)
    return (0..<count).map { _ in
      pod.requests.begin(0) { port, number throws(RequestRefusal) in
        try port.submit(command, to: partition, number: number, idempotency: nil, trace: nil)
      }
    }
  }

  /// The records of the user's partition that hold commands.
  private func commands(_ cluster: TestCluster) -> [Int] {
    cluster.broker.records(of: cluster.partitioner.partition(of: user))
      .map { record in record.entries.count { if case .command = $0.body { true } else { false } } }.filter { $0 > 0 }
  }

  @Test func whatComesWhileTheLogIsOccupiedTravelsTogether() throws {
    let cluster = try TestCluster(partitions: 1)
    let pod = try pod(cluster) { $0.collectMillisecondsMax = 600_000 }
    defer { pod.kill() }
    pod.log.occupy(true)
    // One by one, each in a turn of its own.
    var pending: [Pending] = []
    for _ in 0..<5 {
      pending += begin(pod, cluster, count: 1)
      _ = try pod.requests.look(.user(user), lane: 0)
    }
    #expect(commands(cluster) == [1], "nothing has followed what made the user")
    pod.log.occupy(false)
    for one in pending { #expect(one.wait() == .outcome(.done, isReplayed: false)) }
    #expect(commands(cluster) == [1, 5])
  }

  @Test func anOccupiedLogIsWaitedForOnlySoLong() throws {
    let cluster = try TestCluster(partitions: 1)
    let pod = try pod(cluster) { $0.collectMillisecondsMax = 20 }
    defer { pod.kill() }
    pod.log.occupy(true)
    for _ in 0..<3 {
      for one in begin(pod, cluster, count: 2) { #expect(one.wait() == .outcome(.done, isReplayed: false)) }
    }
  }

  @Test func aFullRecordWaitsForNothing() throws {
    let cluster = try TestCluster(partitions: 1)
    let pod = try pod(cluster) { options in
      options.collectMillisecondsMax = 600_000
      options.recordEntriesMax = 4
    }
    defer { pod.kill() }
    pod.log.occupy(true)
    for one in begin(pod, cluster, count: 4) { #expect(one.wait() == .outcome(.done, isReplayed: false)) }
  }

  /// What was collected leaves with a pod that ends in order.
  @Test func nothingCollectedIsLeftBehind() throws {
    let cluster = try TestCluster(partitions: 1)
    let pod = try pod(cluster) { $0.collectMillisecondsMax = 600_000 }
    pod.log.occupy(true)
    let pending = begin(pod, cluster, count: 1)
    // The lane has taken it.
    _ = try pod.requests.look(.user(user), lane: 0)
    pod.stop(handoverMilliseconds: 100)
    #expect(commands(cluster) == [1, 1])
    #expect(pending.count == 1)
  }
}
