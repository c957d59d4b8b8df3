import Dispatch
import EventLog
import Lanes
import Model
import PartitionCore
import StateStore
import Synchronization
import Testing

@testable import PartitionRuntime

/// A runtime on real lanes over the logs and stores in memory.
final class RuntimeBench: Sendable {
  let partitioner: Partitioner
  let lanes: [Lane]
  let log: MemoryLog
  let store: MemoryStore
  let runtime: Runtime
  private let clients: [LaneConfined<Client>]
  private let ready = DispatchSemaphore(value: 0)
  private let numbers = Atomic<UInt64>(1)

  /// Collects the results of one lane's requests.
  private final class Client: RequestClient {
    var port: (any RequestPort)?
    var waiting: [UInt64: @Sendable (RequestResult) -> Void] = [:]
    var waitingCount: Int { waiting.count }

    func finished(_ number: UInt64, _ result: RequestResult) {
      waiting.removeValue(forKey: number)?(result)
    }

    func logFailed() {
      let all = waiting.values
      waiting = [:]
      for result in all { result(.refused(.outcomeUnknown)) }
    }
  }

  init(
    partitions: Int = 4, laneCount: Int = 2, incarnation: UInt64 = 1, log: MemoryLog? = nil,
    store: MemoryStore = MemoryStore(),
    change: (inout RuntimeOptions) -> Void = { _ in }
  ) throws {
    partitioner = try #require(Partitioner(count: partitions))
    var options = RuntimeOptions(partitioner: partitioner, laneCount: laneCount)
    options.checkpointIntervalMilliseconds = 20
    options.tickMilliseconds = 5
    options.idleTickMilliseconds = 5
    change(&options)
    let log = log ?? MemoryLog(partitionCount: partitions)
    self.log = log
    self.store = store
    var made: [Lane] = []
    for index in 0..<laneCount { made.append(try Lane(index: index)) }
    let lanes = made
    self.lanes = lanes
    let ready = ready
    let events = EventSink()
    runtime = try Runtime(
      options: options, lanes: lanes, log: log, store: store, incarnation: incarnation,
      clock: { Timestamp(milliseconds: 1_000) }, report: { events.add($0) }, onReplayed: { ready.signal() })
    sink = events
    clients = lanes.map { LaneConfined(Client(), lane: $0) }
    for (index, client) in clients.enumerated() {
      client.value.port = runtime.port(ofLane: index)
      runtime.setClient(client.value, ofLane: index)
    }
    let runtime = runtime
    for (index, lane) in lanes.enumerated() {
      lane.post { runtime.begin(lane: index) }
      try lane.start { runtime.turn(lane: index) }
    }
    try #require(ready.wait(timeout: .now() + 10) == .success, "replay did not end")
  }

  private let sink: EventSink
  var reported: [RuntimeEvent] { sink.events }

  /// Sends a command from a lane and waits for its result.
  func submit(_ command: Command, key: String? = nil, lane: Int = 0) throws -> RequestResult {
    let partition = try #require(Self.partition(of: command, partitioner))
    let token = key.map { IdempotencyToken(key: IdempotencyKey(unchecked: $0), fingerprint: 1) }
    return try call(lane) { port, number throws(RequestRefusal) in
      try port.submit(command, to: partition, number: number, idempotency: token, trace: nil)
    }
  }

  func ask(_ query: Query, lane: Int = 0) throws -> RequestResult {
    try call(lane) { port, number throws(RequestRefusal) in try port.ask(query, number: number) }
  }

  private func call(
    _ lane: Int, _ start: @escaping @Sendable (any RequestPort, UInt64) throws(RequestRefusal) -> Void
  ) throws -> RequestResult {
    let pending = begin(lane, start)
    return try #require(pending.wait(), "no answer in time")
  }

  /// Starts a request without waiting for it.
  func begin(
    _ lane: Int, _ start: @escaping @Sendable (any RequestPort, UInt64) throws(RequestRefusal) -> Void
  ) -> Pending {
    let pending = Pending()
    let number = numbers.add(1, ordering: .relaxed).newValue
    let client = clients[lane]
    lanes[lane].post {
      guard let port = client.value.port else { return }
      client.value.waiting[number] = { pending.finish($0) }
      do throws(RequestRefusal) {
        try start(port, number)
      } catch {
        client.value.waiting[number] = nil
        pending.finish(.refused(error))
      }
    }
    return pending
  }

  static func partition(of command: Command, _ partitioner: Partitioner) -> PartitionID? {
    switch command {
    case .orders(.create(let id, _, _)), .orders(.remove(let id)), .orders(.addItem(let id, _, _, _)),
      .orders(.removeItem(let id, _)), .orders(.checkout(let id)):
      partitioner.partition(of: id)
    case .stock(.create(let id, _, _)), .stock(.add(let id, _)), .stock(.subtract(let id, _)):
      partitioner.partition(of: id)
    case .payments(.create(let id, _)), .payments(.addFunds(let id, _)), .payments(.pay(let id, _, _)),
      .payments(.cancel(let id, _)):
      partitioner.partition(of: id)
    default: nil
    }
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

/// A request under way.
final class Pending: Sendable {
  private let result = Mutex<RequestResult?>(nil)
  private let done = DispatchSemaphore(value: 0)

  func finish(_ result: RequestResult) {
    self.result.withLock { $0 = result }
    done.signal()
  }

  /// The result, or nil after `seconds`.
  func wait(seconds: Double = 10) -> RequestResult? {
    guard done.wait(timeout: .now() + seconds) == .success else { return nil }
    return result.withLock { $0 }
  }
}

/// Keeps what a runtime reported.
private final class EventSink: Sendable {
  private let list = Mutex<[RuntimeEvent]>([])
  func add(_ event: RuntimeEvent) { list.withLock { $0.append(event) } }
  var events: [RuntimeEvent] { list.withLock { $0 } }
}
