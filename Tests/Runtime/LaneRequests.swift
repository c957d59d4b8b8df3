import Dispatch
import Lanes
import Model
import Synchronization
import Testing

@testable import Runtime

/// What tests need of a runtime on lanes.
protocol BenchedRuntime: RuntimeInspection {
  var lanes: [Lane] { get }
  func port(ofLane index: Int) -> any RequestPort
  func setClient(_ client: any RequestClient, ofLane index: Int)
  func begin(lane index: Int)
  func turn(lane index: Int) -> Bool
  func hasUnsent(lane index: Int) -> Bool
}

extension OwnerRuntime: BenchedRuntime {}

/// Starts the lanes of a runtime, sends requests from them and waits for their results.
final class LaneRequests: Sendable {
  private let runtime: any BenchedRuntime
  private let partitioner: Partitioner
  private let clients: [LaneConfined<Client>]
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

  init(_ runtime: any BenchedRuntime, _ partitioner: Partitioner) throws {
    self.runtime = runtime
    self.partitioner = partitioner
    clients = runtime.lanes.map { LaneConfined(Client(), lane: $0) }
    for (index, client) in clients.enumerated() {
      client.value.port = runtime.port(ofLane: index)
      runtime.setClient(client.value, ofLane: index)
    }
    for (index, lane) in runtime.lanes.enumerated() {
      lane.post { runtime.begin(lane: index) }
      try lane.start { runtime.turn(lane: index) || runtime.hasUnsent(lane: index) }
    }
  }

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

  /// What a lane has in memory and may show at once. Waits for the lane.
  func look(_ query: Query, lane: Int) throws -> View? {
    let client = clients[lane]
    let found = Pending()
    runtime.lanes[lane].post {
      found.finish(client.value.port?.look(query).map { .view($0) } ?? .refused(.overloaded))
    }
    guard case .view(let view) = try #require(found.wait(), "no answer in time") else { return nil }
    return view
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
    runtime.lanes[lane].post {
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
