import Foundation
import HTTPServer
import Lanes
import Model
import OperatorAPI
import Runtime
import Ports
import Settings
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Server

@Suite struct ServerFrontTests {
  private func front(
    _ runtime: FakeRuntime, services: Set<Service> = [.stock], _ change: (inout ServeSettings) -> Void = { _ in }
  ) throws -> ServerFront {
    var settings = ServeSettings()
    settings.http.port = 0
    settings.operatorPort.port = 0
    settings.lanes = FakeRuntime.laneCount
    change(&settings)
    let options = try ServingOptions(settings)
    let lanes = try ServerLanes(servingCount: options.runtime.laneCount)
    let prices = MemoryPriceCache(entriesMax: 1, lifetimeMilliseconds: 1, now: { 0 })
    return try ServerFront(
      options, lanes: lanes,
      ServerFront.Parts(
        runtime: runtime, prices: lanes.serving.map { _ in prices }, services: services, incarnation: 7,
        version: "1.2.3"),
      sources: { $0.log = { LogFigures(appendedPosition: 42, durablePosition: 41, commits: 1, isFailed: false) } })
  }

  @Test func everyLaneServesItsRuntime() throws {
    let runtime = FakeRuntime()
    let front = try front(runtime)
    try front.start()
    for _ in 0..<32 {
      #expect(try exchange("GET /stock/find/i1", front.httpEndpoint).hasPrefix("HTTP/1.1 404"))
    }
    #expect(try exchange("GET /orders/find/o1", front.httpEndpoint).hasPrefix("HTTP/1.1 421"))
    #expect(try exchange("GET /readyz", front.operatorEndpoint).hasSuffix("ready\n"))
    let metrics = try exchange("GET /metrics", front.operatorEndpoint)
    #expect(metrics.contains("\nkassa_log_durable_position 41\n") && metrics.contains("kassa_http_connections "))
    front.drain(answersMilliseconds: 1_000, closingMilliseconds: 1_000)
    front.close()
    #expect(runtime.told == [.begin(0), .begin(1), .stop(1_000)])
  }

  private final class Paper: Sendable {
    let text = Mutex("")
    var lines: [String] { text.withLock { $0.split(separator: "\n").map(String.init) } }
  }

  /// Requests of both ports stand in one log, each on its line; the end writes what still waits.
  @Test func answeredRequestsAreLogged() throws {
    var settings = ServeSettings()
    settings.http.port = 0
    settings.operatorPort.port = 0
    settings.lanes = FakeRuntime.laneCount
    settings.accessLog = .all
    let options = try ServingOptions(settings)
    let lanes = try ServerLanes(servingCount: options.runtime.laneCount)
    let prices = MemoryPriceCache(entriesMax: 1, lifetimeMilliseconds: 1, now: { 0 })
    let paper = Paper()
    var parts = ServerFront.Parts(
      runtime: FakeRuntime(), prices: lanes.serving.map { _ in prices }, incarnation: 7, version: "1.2.3")
    parts.writeAccess = { lines in
      paper.text.withLock { $0 += String(decoding: lines, as: UTF8.self) }
      return true
    }
    let front = try ServerFront(options, lanes: lanes, parts, sources: { _ in })
    try front.start()
    let answer = try exchange("GET /stock/find/i1?a=b", front.httpEndpoint, headers: "X-Request-Id: mine\r\n")
    let id = try #require(answer.split(separator: "\r\n").first { $0.hasPrefix("X-Request-Id: ") }?.dropFirst(14))
    _ = try exchange("GET /nothing there", front.httpEndpoint)
    #expect(try exchange("POST /reload", front.operatorEndpoint).hasSuffix("{\"read\":[]}"))
    let metrics = try exchange("GET /metrics", front.operatorEndpoint)
    #expect(metrics.contains("\nkassa_access_log_lines_total 3\n"), "\(metrics)")
    front.drain(answersMilliseconds: 0, closingMilliseconds: 1_000)
    front.close()
    let told = paper.lines
    #expect(told.count == 4, "\(told)")
    let first = " request answered request_id=\(id) client_request_id=mine method=GET path=/stock/find/i1 status=404 "
    #expect(told.contains { $0.contains(first + "code=unknown_item milliseconds=") }, "\(told)")
    #expect(told.contains { $0.contains(" status=400 code=malformed_request ") }, "\(told)")
    let reload = told.first { $0.contains(" port=operator method=POST path=/reload status=200 ") }
    #expect(reload?.contains(" request_id=0000000000000007-2-") == true, "\(told)")
  }

  @Test func whoLeavesServesOnAndIsNotReady() throws {
    let front = try front(FakeRuntime())
    try front.start()
    #expect(try exchange("GET /readyz", front.operatorEndpoint).hasPrefix("HTTP/1.1 200"))
    front.leave()
    let readiness = try exchange("GET /readyz", front.operatorEndpoint)
    #expect(readiness.hasPrefix("HTTP/1.1 503") && readiness.contains("drain-delay"), "\(readiness)")
    #expect(try exchange("GET /metrics", front.operatorEndpoint).contains("\nkassa_ready 0\n"))
    #expect(try exchange("GET /startupz", front.operatorEndpoint).hasPrefix("HTTP/1.1 200"))
    #expect(try exchange("GET /livez", front.operatorEndpoint).hasPrefix("HTTP/1.1 200"))
    for _ in 0..<32 {
      // It does not ask for the end of its connection, and would wait for it in vain.
      let answer = try exchange("GET /stock/find/i1", front.httpEndpoint, isKept: true)
      #expect(answer.hasPrefix("HTTP/1.1 404") && answer.contains("Connection: close"), "\(answer)")
    }
    front.drain(answersMilliseconds: 0, closingMilliseconds: 1_000)
    front.close()
  }

  @Test func theOperatorIsAnsweredUntilItCloses() throws {
    let runtime = FakeRuntime()
    let front = try front(runtime)
    try front.start()
    front.drain(answersMilliseconds: 0, closingMilliseconds: 1_000)
    #expect(try exchange("GET /livez", front.operatorEndpoint).hasPrefix("HTTP/1.1 200"))
    front.close()
  }

  /// A runtime that never ends holds nothing up for longer than was said.
  @Test func theDrainIsBounded() throws {
    let runtime = FakeRuntime(endsNever: true)
    let front = try front(runtime)
    try front.start()
    let clock = ContinuousClock()
    let taken = clock.measure { front.drain(answersMilliseconds: 50, closingMilliseconds: 50) }
    front.close()
    #expect(taken >= .milliseconds(100) && taken < .seconds(5))
  }

  /// A command that was taken may take effect: whoever is told otherwise, as by a 503, sends it again.
  @Test func whatIsCutOffByTheEndIsUnknown() throws {
    let runtime = FakeRuntime()
    let front = try front(runtime, services: [.orders])
    try front.start()
    let endpoint = front.httpEndpoint
    // A thread of its own: tests that wait may hold all of the pool's.
    let answer = Mutex("")
    let isAnswered = DispatchSemaphore(value: 0)
    Thread.detachNewThread {
      let text = (try? exchange("POST /orders/checkout/o1", endpoint)) ?? "no answer"
      answer.withLock { $0 = text }
      isAnswered.signal()
    }
    #expect(eventually { runtime.ports.contains { $0.taken.load(ordering: .acquiring) } })
    front.drain(answersMilliseconds: 0, closingMilliseconds: 1_000)
    front.close()
    #expect(isAnswered.wait(timeout: .now() + 60) == .success)
    let text = answer.withLock { $0 }
    #expect(text.hasPrefix("HTTP/1.1 504") && text.contains("\"outcome_unknown\""), "\(text)")
  }

  @Test func aPortInUseIsToldByName() throws {
    let first = try front(FakeRuntime())
    try first.start()
    #expect(throws: HTTPServerFailure.self) {
      _ = try front(FakeRuntime()) { $0.operatorPort.port = first.httpEndpoint.port }
    }
    first.close()
  }
}
