import Testing

@testable import Server

/// Times are microseconds; the tolerance is a minute.
@Suite struct SteadyClockTests {
  static let second: Int64 = 1_000_000
  static let hour: Int64 = 3_600 * second
  static let year: Int64 = 365 * 24 * hour
  /// What the wall clock says at the start, and the other clock.
  static let wall = 56 * year
  static let boot = 5 * hour

  private func clock(startingAt time: Int64 = wall) -> SteadyClock {
    SteadyClock(startingAt: time, wall: Self.wall, boot: Self.boot, toleranceMicroseconds: 60 * Self.second)
  }

  @Test(arguments: [25 * hour, -25 * hour, 10 * year, -10 * year, 61 * second, -61 * second])
  func aJumpChangesNothingAndIsToldOnce(by jump: Int64) {
    var clock = clock()
    for second in 1...3_600 {
      let elapsed = Int64(second) * Self.second
      let change = clock.look(wall: Self.wall + elapsed + jump, boot: Self.boot + elapsed)
      #expect(change == (second == 1 ? .jumped(by: jump) : nil))
      #expect(clock.time(boot: Self.boot + elapsed) == Self.wall + elapsed)
    }
    #expect(clock.skew(wall: Self.wall + Self.hour + jump, boot: Self.boot + Self.hour) == jump && !clock.isAgreed)
    #expect(clock.look(wall: Self.wall + 2 * Self.hour, boot: Self.boot + 2 * Self.hour) == .agrees)
    #expect(clock.look(wall: Self.wall + 3 * Self.hour, boot: Self.boot + 3 * Self.hour) == nil && clock.isAgreed)
  }

  /// Set by so much, looked at every so often: how far the wall clock is ahead an hour later, and in the end.
  @Test(
    arguments: [
      (10_000_000, 100_000, 6_400_000, 3), (-10_000_000, 100_000, -6_400_000, 3), (-1_000_000, 7_000_000, 0, 1),
      (60_000_000, 3_600_000_000, 60_000_000, 17), (2_000_000, 1_000_000, 0, 1), (999, 1_000_000, 0, 1),
    ] as [(Int64, Int64, Int64, Int64)])
  func aWallClockThatIsSetALittleIsFollowedSlowly(by set: Int64, every: Int64, afterAnHour: Int64, hours: Int64) {
    var clock = clock()
    var told = Self.wall
    var elapsed: Int64 = 0
    var skew = set
    for _ in 0..<(hours * Self.hour / every) {
      elapsed += every
      #expect(clock.look(wall: Self.wall + elapsed + set, boot: Self.boot + elapsed) == nil)
      let time = clock.time(boot: Self.boot + elapsed)
      let gained = time - told - every
      if gained.magnitude > UInt64(every / 1_000) { Issue.record("\(gained) in \(every)") }
      told = time
      skew = Self.wall + elapsed + set - time
      if elapsed == Self.hour { #expect((skew - afterAnHour).magnitude <= 4_000, "\(skew)") }
    }
    // The first look comes after the first interval, in which nothing is followed yet.
    #expect(skew == (hours == 17 ? 2_400_000 : 0))
  }

  @Test func aDriftOfNTPIsFollowedForWeeks() {
    var clock = clock()
    var most: UInt64 = 0
    for minute in 1...(21 * 24 * 60) {
      let elapsed = Int64(minute) * 60 * Self.second
      let wall = Self.wall + elapsed + elapsed / 2_000
      #expect(clock.look(wall: wall, boot: Self.boot + elapsed) == nil)
      most = max(most, clock.skew(wall: wall, boot: Self.boot + elapsed).magnitude)
    }
    #expect(most <= 100_000, "never further away than two looks' drift")
  }

  @Test func itNeverRunsBackwards() {
    var clock = clock()
    var generator = SystemRandomNumberGenerator()
    var (boot, told) = (Self.boot, Self.wall)
    for _ in 0..<50_000 {
      boot += Int64.random(in: 0...3_000, using: &generator)
      if Bool.random(using: &generator) {
        let skews = [0, 1, -1, Self.second, -59 * Self.second, Self.year, -Self.year]
        _ = clock.look(wall: Self.wall + boot - Self.boot + skews.randomElement(using: &generator)!, boot: boot)
      }
      let time = clock.time(boot: boot - Int64.random(in: 0...1, using: &generator))
      let next = clock.time(boot: boot)
      guard next >= told, next >= time else {
        Issue.record("\(next) behind \(max(told, time))")
        return
      }
      told = next
    }
  }

  @Test func aStartBehindWhatHappenedGoesOnFromThere() {
    var clock = clock(startingAt: Self.wall + 10 * Self.year)
    #expect(!clock.isAgreed)
    #expect(clock.look(wall: Self.wall + Self.second, boot: Self.boot + Self.second) == nil)
    #expect(clock.time(boot: Self.boot + Self.hour) == Self.wall + 10 * Self.year + Self.hour)
    var near = self.clock(startingAt: Self.wall + 30 * Self.second)
    #expect(near.isAgreed && near.look(wall: Self.wall + Self.hour, boot: Self.boot + Self.hour) == nil)
    #expect(near.time(boot: Self.boot + Self.hour) == Self.wall + Self.hour + 30 * Self.second - 3_600_000)
  }

  @Test func itCanBeSet() {
    var clock = clock()
    clock.set(wall: Self.wall - Self.year, boot: Self.boot + Self.second)
    #expect(clock.time(boot: Self.boot + 2 * Self.second) == Self.wall - Self.year + Self.second)
    #expect(clock.isAgreed && clock.skew(wall: Self.wall - Self.year, boot: Self.boot + Self.second) == 0)
  }
}
