/// The time of day as a process goes by it: the wall clock as it stood once, and from then on a clock that nobody sets.
///
/// A wall clock that jumps changes nothing here. One that is set by less than the tolerance is followed, slowly: what
/// this clock tells is right for years, and never runs backwards.
///
/// A value without clocks: whoever owns it reads them. All times are microseconds; `boot` is a clock that counts while
/// the process is stopped and never runs backwards, such as `CLOCK_BOOTTIME`.
public struct SteadyClock: Hashable, Sendable {
  /// What a look at the wall clock found.
  public enum Change: Hashable, Sendable {
    /// It is further away than the tolerance, by so many microseconds: above 0 when it is ahead.
    case jumped(by: Int64)
    /// It is within the tolerance again.
    case agrees
  }

  /// This clock gains or loses one microsecond in so many: 3.6 s an hour. Clocks that are kept in step by NTP drift by
  /// a twentieth of that at most, and a leap second is made up for in 17 minutes.
  public static let followingDivisor: Int64 = 1_000

  /// How far away a wall clock is that is not followed.
  public let toleranceMicroseconds: Int64
  /// Whether the wall clock was within the tolerance at the newest look.
  public private(set) var isAgreed: Bool

  /// What this clock told at one moment of the clock that nobody sets.
  private var anchorTime: Int64
  private var anchorBoot: Int64
  /// How far the wall clock was ahead then, as far as it is followed.
  private var distance: Int64 = 0

  /// - Parameters:
  ///   - time: what it tells first; the wall clock, unless something that happened already has a later time.
  ///   - wall: the wall clock.
  public init(startingAt time: Int64, wall: Int64, boot: Int64, toleranceMicroseconds: Int64) {
    self.toleranceMicroseconds = max(toleranceMicroseconds, 0)
    anchorTime = time
    anchorBoot = boot
    isAgreed = true
    _ = look(wall: wall, boot: boot)
  }

  /// Microseconds since 1970-01-01 UTC.
  public func time(boot: Int64) -> Int64 {
    // Whoever read the clock before the newest look and asks after it is told what was told then.
    let elapsed = max(boot - anchorBoot, 0)
    let most = elapsed / Self.followingDivisor
    return anchorTime + elapsed + min(max(distance, -most), most)
  }

  /// How far the wall clock is ahead of this one; below 0 when it is behind.
  public func skew(wall: Int64, boot: Int64) -> Int64 { wall - time(boot: boot) }

  /// Looks at the wall clock: follows it from now on if it is near. Returns what changed with that, if anything.
  public mutating func look(wall: Int64, boot: Int64) -> Change? {
    (anchorTime, anchorBoot) = (time(boot: boot), max(boot, anchorBoot))
    let skew = wall - anchorTime
    let isNear = skew.magnitude <= UInt64(toleranceMicroseconds)
    distance = isNear ? skew : 0
    guard isNear != isAgreed else { return nil }
    isAgreed = isNear
    return isNear ? .agrees : .jumped(by: skew)
  }

  /// Goes by the wall clock from now on, which something else has shown to be right. The only way in which it may run
  /// backwards.
  public mutating func set(wall: Int64, boot: Int64) {
    (anchorTime, anchorBoot, distance, isAgreed) = (wall, boot, 0, true)
  }
}
