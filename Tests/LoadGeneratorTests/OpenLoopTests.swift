import Glibc
import Testing

@testable import LoadGenerator

@Suite struct OpenLoopTests {
  /// A load on a server that stands still for half a second, once, in its reads.
  private func report(rate: Double?) async throws -> LoadReport {
    let shop = TestShop()
    let reads = Counter()
    let isMeasuring = Flag()
    let server = TestServer { request in
      if isMeasuring.isUp, request.path[1].hasPrefix("find"), reads.next() == 50 { usleep(500_000) }
      return shop.respond(to: request)
    }
    defer { server.stop() }
    var configuration = LoadConfiguration(scenario: .reads, url: server.url)
    configuration.connections = 2
    configuration.ratePerSecond = rate
    configuration.hasPoissonArrivals = false
    configuration.warmupSeconds = 0
    configuration.seconds = 1.5
    configuration.users = 10
    configuration.items = 10
    configuration.orders = 10
    configuration.onPhase = { isMeasuring.isUp = $0 == .measuring }
    let made = configuration
    return try await onThread { try LoadRun(configuration: made).run() }
  }

  @Test func aStallCountsForEveryCallThatWasMeantToStartInIt() async throws {
    let report = try await report(rate: 400)
    #expect(report.isSound, "\(report)")
    // 0.5 of 1.5 s: a third of the arrivals wait, from 500 ms down to nothing.
    #expect(report.answers > 550 && report.answers <= 600)
    #expect(report.latency.p95 > 300_000, "\(report)")
    #expect(report.latency.p50 < 200_000)
    #expect(report.arrivalsWaitingHighest > 150)
  }

  @Test func aClosedLoopWouldHaveHiddenIt() async throws {
    let report = try await report(rate: nil)
    // Only the two calls that were under way have seen the stall.
    #expect(report.latency.p99 < 100_000, "\(report)")
    #expect(report.latency.max >= 500_000)
  }

  @Test func arrivalsThatAreNeverSentFail() async throws {
    let shop = TestShop()
    let isMeasuring = Flag()
    let server = TestServer { request in
      if isMeasuring.isUp, request.path[1].hasPrefix("find") { return .raw([]) }
      return shop.respond(to: request)
    }
    defer { server.stop() }
    var configuration = LoadConfiguration(scenario: .reads, url: server.url)
    configuration.connections = 2
    configuration.ratePerSecond = 100
    configuration.warmupSeconds = 0
    configuration.seconds = 0.5
    configuration.requestTimeoutSeconds = 60
    configuration.runSecondsMax = 2
    configuration.users = 2
    configuration.items = 2
    configuration.orders = 2
    configuration.onPhase = { isMeasuring.isUp = $0 == .measuring }
    let made = configuration
    let report = try await onThread { try LoadRun(configuration: made).run() }
    #expect(report.failures[.timedOut] ?? 0 >= 2, "\(report)")
    #expect(report.failures[.arrivalNeverSent] ?? 0 > 20)
    #expect(!report.isSound)
  }

  @Test func arrivalsBeyondTheQueueAreNotTaken() {
    var queue = ArrivalQueue()
    var taken = 0
    for start in 0..<(LoadLimits.arrivalsWaitingMax + 3) where queue.append(Int64(start)) { taken += 1 }
    #expect(taken == LoadLimits.arrivalsWaitingMax)
    #expect(queue.first == 0)
    queue.removeFirst()
    let fits = queue.append(7)
    #expect(fits && queue.first == 1)
    for _ in 1..<LoadLimits.arrivalsWaitingMax { queue.removeFirst() }
    #expect(queue.first == 7)
    queue.removeFirst()
    queue.removeFirst()
    #expect(queue.isEmpty && queue.first == nil)
  }

  @Test func aPoissonScheduleKeepsTheRateAndItsSeed() {
    func arrivals(_ seed: UInt64) -> [Int64] {
      var schedule = ArrivalSchedule(ratePerSecond: 10_000, isPoisson: true, seed: seed)
      return (0..<50_000).map { _ in
        defer { schedule.advance() }
        return schedule.next
      }
    }
    let first = arrivals(7)
    #expect(first == arrivals(7))
    #expect(first != arrivals(8))
    #expect(zip(first, first.dropFirst()).allSatisfy { $0 <= $1 })
    // 50 000 arrivals at 10 000 / s; the sum of as many gaps strays by 1/√50 000, 0.45 %.
    #expect(abs(Double(first[49_999]) / 5e9 - 1) < 0.02)
    var fixed = ArrivalSchedule(ratePerSecond: 3, isPoisson: false, seed: 0)
    for _ in 0..<299 { fixed.advance() }
    #expect(abs(fixed.next - 100_000_000_000) < 1_000)
  }
}
