import Dispatch
import Ports
import Glibc
import Lanes
import Model
import PartitionCore
import Synchronization
import Testing

@testable import Runtime

/// What the pods of a test share.
final class TestCluster: Sendable {
  let partitioner: Partitioner
  let broker = MemoryBroker()
  let store = MemoryStore()
  let pods = MemoryPods()
  let leaseMilliseconds: Int64
  let time = BenchTime()
  private let incarnations = Atomic<UInt64>(0)
  private let newestWorld = Mutex(MemoryOwnershipWorld())

  init(partitions: Int = 4, leaseMilliseconds: Int64 = 300) throws {
    partitioner = try #require(Partitioner(count: partitions))
    self.leaseMilliseconds = leaseMilliseconds
  }

  var world: MemoryOwnershipWorld { newestWorld.withLock { $0 } }

  /// Pods that start from now on know of no owner.
  func loseMap() { newestWorld.withLock { $0 = MemoryOwnershipWorld() } }

  func pod(
    owns: Set<Service> = Set(Service.allCases), ingest: (any IngestLog)? = nil,
    change: (inout RuntimeOptions) -> Void = { _ in }
  ) throws -> PodBench {
    try PodBench(self, incarnation: incarnations.add(1, ordering: .relaxed).newValue, owns, ingest, change)
  }

  /// Deals all partitions out to pods in turn, as a group would; the idle ones are members without partitions.
  func deal(to pods: [PodBench], idle: [PodBench] = []) {
    for pod in idle { for service in Service.allCases { pod.runtime.assign([], of: service) } }
    for (number, pod) in pods.enumerated() {
      for service in Service.allCases {
        let share = (0..<partitioner.count).filter { $0 % pods.count == number }
        pod.runtime.assign(share.map { PartitionID(service, UInt16($0)) }, of: service)
      }
    }
  }
}

/// One pod: a runtime on two lanes, which owns what it is assigned.
final class PodBench: Sendable {
  let log: BrokerLog
  let runtime: OwnerRuntime
  let requests: LaneRequests
  private let ownership: MemoryOwnershipMap
  private let cluster: TestCluster
  let incarnation: UInt64
  private let ready = DispatchSemaphore(value: 0)
  private let events = EventSink()

  init(
    _ cluster: TestCluster, incarnation: UInt64, _ owns: Set<Service>, _ ingest: (any IngestLog)?,
    _ change: (inout RuntimeOptions) -> Void
  ) throws {
    self.cluster = cluster
    self.incarnation = incarnation
    log = cluster.broker.connect()
    var options = RuntimeOptions(partitioner: cluster.partitioner, laneCount: 2)
    options.checkpointIntervalMilliseconds = 20
    options.tickMilliseconds = 5
    options.idleTickMilliseconds = 5
    options.rulesSettlingMilliseconds = 0
    change(&options)
    let lanes = try [Lane(index: 0), Lane(index: 1)]
    let ready = ready
    let events = events
    ownership = cluster.world.join(
      PodAnnouncement(name: "pod-\(incarnation)", incarnation: incarnation, host: "127.0.0.1", port: 1))
    let link = PodLink(
      ownership: ownership, pods: cluster.pods.connect(incarnation, lanes: lanes),
      address: "127.0.0.1:\(incarnation)", owns: owns, leaseMilliseconds: cluster.leaseMilliseconds,
      clock: {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
      })
    runtime = OwnerRuntime(
      options: options, lanes: lanes, log: log, store: cluster.store, run: incarnation, link: link,
      ingest: ingest,
      clock: { [time = cluster.time] in time.now }, report: { events.add($0) }, onReplayed: { ready.signal() })
    requests = try LaneRequests(runtime, cluster.partitioner)
  }

  var reported: [RuntimeEvent] { events.events }

  /// Partitions whose log broke off.
  var breaks: [PartitionID] {
    reported.compactMap { if case .partitionBroke(let partition, _, _) = $0 { partition } else { nil } }
  }

  /// Why checkpoints and loads failed.
  var storeFailures: [String] {
    reported.compactMap { if case .storeFailed(_, let reason) = $0 { reason } else { nil } }
  }

  /// Why takeovers failed.
  var failures: [String] {
    reported.compactMap { if case .takeoverFailed(_, let reason) = $0 { reason } else { nil } }
  }

  /// The partitions that it owns now.
  var reports: [PartitionReport] { report?.partitions ?? [] }
  /// The partitions that it is to own and does not.
  var pending: [PendingTakeover] { report?.pending ?? [] }

  /// Whether the store has everything that was applied.
  var isCheckpointed: Bool { reports.allSatisfy { $0.checkpointedOffset == $0.appliedOffset } }

  func isStopped(_ partition: PartitionID) -> Bool {
    reports.contains { report in
      if report.partition == partition, case .stopped = report.status { true } else { false }
    }
  }

  private var report: RuntimeReport? {
    let done = DispatchSemaphore(value: 0)
    let box = ReportBox()
    runtime.report(timeoutMilliseconds: 5_000) { report in
      box.report.withLock { $0 = report }
      done.signal()
    }
    _ = done.wait(timeout: .now() + 10)
    return box.report.withLock { $0 }
  }

  private final class ReportBox: Sendable {
    let report = Mutex<RuntimeReport?>(nil)
  }

  func waitUntilReady() -> Bool { ready.wait(timeout: .now() + 10) == .success }

  /// Leaves in order.
  func stop(handoverMilliseconds: UInt64 = 5_000) {
    let done = DispatchSemaphore(value: 0)
    runtime.stop(answersMilliseconds: 1_000, handoverMilliseconds: handoverMilliseconds) { done.signal() }
    _ = done.wait(timeout: .now() + 20)
    ownership.close()
    cluster.pods.forget(incarnation)
    kill()
  }

  /// Ends as it is, without a word; the map goes on naming it.
  func kill() {
    for lane in runtime.lanes { lane.stop() }
    for lane in runtime.lanes { lane.join() }
  }
}
