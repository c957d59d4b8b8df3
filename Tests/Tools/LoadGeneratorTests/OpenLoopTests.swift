import Clocks
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
    configuration.keepsHistory = true
    configuration.users = 10
    configuration.items = 10
    configuration.orders = 10
    configuration.onPhase = { isMeasuring.isUp = $0 == .measuring }
    let made = configuration
    return try await onThread { try LoadRun(configuration: made).run() }
  }

  /// Calls that took more than 300 ms from their intended start.
  private func slowCalls(of report: LoadReport) -> Int {
    report.history.count { $0.ended - $0.started > 300_000_000 }
  }

  @Test func aStallCountsForEveryCallThatWasMeantToStartInIt() async throws {
    let report = try await report(rate: 400)
    #expect(report.isSound, "\(report)")
    // 200 of the 600 arrivals fall into the stall and wait from 500 ms down to nothing; 80 of them more than 300 ms.
    #expect(report.answers > 590 && report.answers <= 600)
    #expect(slowCalls(of: report) >= 75, "\(report)")
    #expect(report.latency.p95 > 250_000, "\(report)")
    #expect(report.arrivalsWaitingHighest > 150)
  }

  @Test func aClosedLoopWouldHaveHiddenIt() async throws {
    let report = try await report(rate: nil)
    // Only the two calls that were under way have seen the stall; a busy machine may add a few of its own.
    #expect((1...20).contains(slowCalls(of: report)), "\(report)")
    #expect(report.latency.max >= 500_000)
  }

  @Test func arrivalsThatAreNeverSentFail() async throws {
    let server = TestServer { _ in .raw([]) }
    defer { server.stop() }
    let address = try ServerAddress(url: server.url)
    let failures = try await onThread {
      let world = World()
      let pool = try ConnectionPool(to: address, count: 2, withinSeconds: 10)
      let workload = CountedWorkload(count: .max, call: { _ in Call(kind: .get) }, judge: { $1.verdict })
      var plan = PhasePlan(timeoutNanoseconds: .nanoseconds(60), endsAt: MonotonicClock.nanoseconds + .nanoseconds(0.5))
      plan.measuredNanoseconds = .nanoseconds(0.3)
      plan.pace = .open(ArrivalSchedule(ratePerSecond: 1_000, isPoisson: false, seed: 0))
      let writer = CallWriter(world: world, host: "test", path: "/", keyPrefix: "")
      return Phase(pool: pool, workload: workload, writer: writer, world: world, plan: plan).run().failures
    }
    // Two were sent and never answered.
    #expect(failures[.timedOut] == 2)
    #expect((297...298).contains(failures[.arrivalNeverSent] ?? 0))
    #expect(failures.count == 2)
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
