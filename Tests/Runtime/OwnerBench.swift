import Dispatch
import Ports
import Glibc
import Lanes
import Model
import PartitionCore
import Synchronization
import Testing

@testable import Runtime

/// Owners on real lanes over a log in one sequence and a store, both in memory.
final class OwnerBench: Sendable {
  let partitioner: Partitioner
  let lanes: [Lane]
  let log: MemoryRecordLog
  let store: MemoryStore
  let runtime: OwnerRuntime
  private let requests: LaneRequests
  private let ready = DispatchSemaphore(value: 0)

  init(
    partitions: Int = 4, laneCount: Int = 2, incarnation: UInt64 = 1, log: MemoryRecordLog? = nil,
    store: MemoryStore = MemoryStore(),
    time: BenchTime = BenchTime(),
    change: (inout RuntimeOptions) -> Void = { _ in }
  ) throws {
    partitioner = try #require(Partitioner(count: partitions))
    var options = RuntimeOptions(partitioner: partitioner, laneCount: laneCount)
    options.checkpointIntervalMilliseconds = 20
    options.tickMilliseconds = 5
    options.idleTickMilliseconds = 5
    change(&options)
    let log = log ?? MemoryRecordLog(partitionCount: partitions)
    self.log = log
    self.store = store
    var made: [Lane] = []
    for index in 0..<laneCount { made.append(try Lane(index: index)) }
    let lanes = made
    self.lanes = lanes
    let ready = ready
    let events = EventSink()
    runtime = try OwnerRuntime(
      options: options, lanes: lanes, log: log, store: store, run: incarnation,
      clock: { time.now }, report: { events.add($0) }, onReplayed: { ready.signal() })
    sink = events
    requests = try LaneRequests(runtime, partitioner)
    try #require(ready.wait(timeout: .now() + 10) == .success, "replay did not end")
  }

  private let sink: EventSink
  var reported: [RuntimeEvent] { sink.events }
  var reports: [PartitionReport] { partitionReports(of: runtime) }

  func submit(_ command: Command, key: String? = nil, lane: Int = 0) throws -> RequestResult {
    try requests.submit(command, key: key, lane: lane)
  }

  func ask(_ query: Query, lane: Int = 0) throws -> RequestResult { try requests.ask(query, lane: lane) }

  func look(_ query: Query, lane: Int) throws -> View? { try requests.look(query, lane: lane) }

  func begin(
    _ lane: Int, _ start: @escaping @Sendable (any RequestPort, UInt64) throws(RequestRefusal) -> Void
  ) -> Pending {
    requests.begin(lane, start)
  }

  static func partition(of command: Command, _ partitioner: Partitioner) -> PartitionID? {
    LaneRequests.partition(of: command, partitioner)
  }

  /// Waits until the report of a partition is as it should be.
  func awaitReport(
    of partition: PartitionID, _ isAsItShould: (PartitionReport) -> Bool
  ) throws -> PartitionReport {
    let deadline = ContinuousClock.now + .seconds(20)
    while ContinuousClock.now < deadline {
      let came = Mutex<RuntimeReport?>(nil)
      let done = DispatchSemaphore(value: 0)
      runtime.report(timeoutMilliseconds: 5_000) { report in
        came.withLock { $0 = report }
        done.signal()
      }
      done.wait()
      let report = came.withLock { $0 }?.partitions.first { $0.partition == partition }
      if let report, isAsItShould(report) { return report }
      usleep(2_000)
    }
    throw LateReport(partition: partition)
  }

  struct LateReport: Error {
    let partition: PartitionID
  }

  /// Drains and ends the lanes, as a shutdown does.
  func stop() {
    let done = DispatchSemaphore(value: 0)
    runtime.stop(answersMilliseconds: 1_000) { done.signal() }
    _ = done.wait(timeout: .now() + 10)
    kill()
  }

  /// Ends the lanes as they are: what was not checkpointed is only in the log.
  func kill() {
    for lane in lanes { lane.stop() }
    for lane in lanes { lane.join() }
  }
}

/// The time that goes into the records of a bench: it stands still, unless a test lets some of it pass.
final class BenchTime: Sendable {
  private let milliseconds = Atomic<Int64>(1_000)
  var now: Timestamp { Timestamp(milliseconds: milliseconds.load(ordering: .relaxed)) }
  func pass(_ passed: Int64) { milliseconds.add(passed, ordering: .relaxed) }
}

/// Keeps what a runtime reported.
final class EventSink: Sendable {
  private let list = Mutex<[RuntimeEvent]>([])
  func add(_ event: RuntimeEvent) { list.withLock { $0.append(event) } }
  var events: [RuntimeEvent] { list.withLock { $0 } }
}

/// The partitions that a runtime owns now.
func partitionReports(of runtime: any RuntimeInspection) -> [PartitionReport] {
  let done = DispatchSemaphore(value: 0)
  let found = FoundReports()
  runtime.report(timeoutMilliseconds: 5_000) { report in
    found.partitions.withLock { $0 = report?.partitions ?? [] }
    done.signal()
  }
  _ = done.wait(timeout: .now() + 10)
  return found.partitions.withLock { $0 }
}

private final class FoundReports: Sendable {
  let partitions = Mutex<[PartitionReport]>([])
}
