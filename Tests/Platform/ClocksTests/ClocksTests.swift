import Clocks
import Foundation
import Testing

@Suite struct ClocksTests {
  @Test func theTimeOfDayIsFoundations() {
    let before = Date().timeIntervalSince1970
    let milliseconds = Double(WallClock.milliseconds)
    let microseconds = Double(WallClock.microseconds)
    let after = Date().timeIntervalSince1970
    #expect(((before - 0.002) * 1e3...(after + 0.002) * 1e3).contains(milliseconds))
    #expect(((before - 0.002) * 1e6...(after + 0.002) * 1e6).contains(microseconds))
  }

  @Test func spansAgree() {
    let clock = ContinuousClock()
    let began = (MonotonicClock.nanoseconds, BootClock.microseconds, clock.now)
    while clock.now < began.2 + .milliseconds(20) {}
    let passed = (began.2.duration(to: clock.now) / .milliseconds(1))
    let monotonic = Double(MonotonicClock.nanoseconds - began.0) / 1e6
    let boot = Double(BootClock.microseconds - began.1) / 1e3
    #expect(monotonic >= passed - 1 && monotonic < passed + 1_000)
    #expect(boot >= passed - 1 && boot < passed + 1_000)
    #expect(MonotonicClock.milliseconds >= began.0 / 1_000_000 + 19)
    #expect(MonotonicClock.microseconds >= began.0 / 1_000 + 19_000)
    #expect(BootClock.milliseconds >= began.1 / 1_000 + 19)
  }

  @Test func neverRunsBackwards() {
    var last = MonotonicClock.nanoseconds
    for _ in 0..<10_000 {
      let now = MonotonicClock.nanoseconds
      #expect(now >= last)
      last = now
    }
  }
}
