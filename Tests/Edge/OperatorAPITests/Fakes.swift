import HTTPServer
import Model
import Synchronization
import Telemetry

@testable import OperatorAPI
@testable import Runtime

/// Hands out reports when the test says so.
final class FakeInspection: RuntimeInspection {
  private let completions = Mutex<[@Sendable (RuntimeReport?) -> Void]>([])
  private let failure = Mutex<String?>(nil)

  var finalFailure: String? {
    get { failure.withLock { $0 } }
    set { failure.withLock { $0 = newValue } }
  }

  func report(timeoutMilliseconds: Int, completion: @escaping @Sendable (RuntimeReport?) -> Void) {
    completions.withLock { $0.append(completion) }
  }

  var asked: Int { completions.withLock { $0.count } }

  /// Completes every question on another thread.
  func complete(_ report: RuntimeReport?) async {
    let taken = completions.withLock { completions in
      defer { completions = [] }
      return completions
    }
    await Task.detached { for completion in taken { completion(report) } }.value
  }
}

/// Reloads when the test says so.
final class FakeReloads: Sendable {
  private let completions = Mutex<[@Sendable (ReloadReport) -> Void]>([])

  var asked: Int { completions.withLock { $0.count } }

  func reload(_ completion: @escaping @Sendable (ReloadReport) -> Void) {
    completions.withLock { $0.append(completion) }
  }

  /// Completes the oldest one.
  func complete(_ report: ReloadReport) { completions.withLock { $0.removeFirst() }(report) }
}

/// One operator port with fakes around it.
final class Bench {
  let inspection = FakeInspection()
  let api: OperatorAPI
  private(set) var answers: [UInt64: HTTPResponse] = [:]
  private let clock = Clock()
  private let wakes = Wakes()
  private var exchanges: UInt64 = 0

  private final class Clock { var milliseconds: Int64 = 0 }
  private final class Wakes: Sendable { let count = Mutex(0) }

  init(_ sources: OperatorSources = OperatorSources(version: "1.2.3", startedMilliseconds: 1_500)) {
    api = OperatorAPI(
      inspection: inspection, sources: sources, incarnation: 0xab, lane: 2,
      milliseconds: { [clock] in clock.milliseconds },
      wake: { [wakes] in wakes.count.withLock { $0 += 1 } })
    api.answer = { [unowned self] exchange, response in
      precondition(self.answers[exchange.number] == nil, "a second answer")
      self.answers[exchange.number] = response
    }
  }

  func wait(milliseconds: Int64) { clock.milliseconds += milliseconds }

  func send(
    _ path: String, _ method: HTTPMethod = .get, _ headers: [String: String] = [:]
  ) -> (exchange: UInt64, response: HTTPResponse?) {
    exchanges += 1
    let number = exchanges
    let response = Array(path.utf8).withUnsafeBufferPointer { path in
      let empty = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
      let request = HTTPRequest(method: method, path: path, query: empty) { name in
        headers[name.description].map { (1, $0) } ?? (0, nil)
      }
      return api.respond(to: request, as: ExchangeID(number: number))
    }
    return (number, response)
  }

  /// Sends a request, gives the lanes' report, and lets the operator's lane take it if it was woken.
  func get(_ path: String, _ report: RuntimeReport?) async -> HTTPResponse {
    let (exchange, response) = send(path)
    await inspection.complete(report)
    let isWoken = wakes.count.withLock { count in
      defer { count = 0 }
      return count > 0
    }
    if isWoken { api.takeReports() }
    return response ?? answers[exchange] ?? HTTPResponse(status: 0)
  }
}

func partition(
  _ index: UInt16, _ service: Service = .stock, _ status: PartitionReport.Status = .running
) -> PartitionReport {
  PartitionReport(
    partition: PartitionID(service, index), status: status, lane: 1, epoch: 2, appliedOffset: 30,
    checkpointedOffset: 25, checkpointAgeMilliseconds: 1_500, queuedRecords: 4, residentEntities: 5,
    dirtyEntities: 6, parkedCheckouts: 7, unconfirmedMessages: 15, recordsApplied: 8, entriesApplied: 9, dedupDrops: 10,
    loads: 11,
    checkpoints: 12, checkpointsFailed: 13, evictions: 14)
}

func pending(_ index: UInt16, _ reason: String?) -> PendingTakeover {
  PendingTakeover(partition: PartitionID(.stock, index), reason: reason)
}

func report(
  _ partitions: [PartitionReport] = [partition(0)], _ phase: RuntimeReport.Phase = .running,
  logFailure: String? = nil, storeFailure: String? = nil, pending: [PendingTakeover] = []
) -> RuntimeReport {
  RuntimeReport(
    phase: phase, partitions: partitions, pending: pending, logFailure: logFailure, storeFailure: storeFailure,
    requestsWaiting: 3)
}

extension HTTPResponse {
  var text: String { String(decoding: body, as: UTF8.self) }
  func header(_ name: String) -> String? { headers.first { $0.name.description == name }?.value }
}
