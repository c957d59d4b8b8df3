import Testing

@testable import Redis

@Suite struct CircuitBreakerTests {
  private func breaker() -> CircuitBreaker {
    var limits = RedisLimits()
    limits.openMillisecondsMin = 100
    limits.openMillisecondsMax = 350
    limits.lateRequestsMax = 3
    return CircuitBreaker(limits)
  }

  @Test func opensForLongerWithEachFailure() {
    var breaker = breaker()
    #expect(breaker.state == .halfOpen)
    var pauses: [UInt64] = []
    for time in [0, 1_000, 2_000, 3_000] as [UInt64] {
      pauses.append(breaker.lost(now: time))
      breaker.tryAgain()
      #expect(breaker.state == .halfOpen)
    }
    #expect(pauses == [100, 200, 350, 350])
    // A connection alone proves nothing; an answer does.
    breaker.connected()
    #expect(breaker.state == .closed)
    #expect(breaker.lost(now: 5_000) == 350)
    #expect(breaker.state == .open(untilMilliseconds: 5_350))
    breaker.tryAgain()
    breaker.connected()
    breaker.answered()
    #expect(breaker.lost(now: 6_000) == 100)
  }

  @Test func countsLateRequestsInARow() {
    var breaker = breaker()
    let isTooMuch = breaker.late()
    #expect(!isTooMuch, "not closed: nothing was asked")
    breaker.connected()
    #expect([breaker.late(), breaker.late()] == [false, false])
    breaker.answered()
    #expect([breaker.late(), breaker.late(), breaker.late()] == [false, false, true])
  }
}
