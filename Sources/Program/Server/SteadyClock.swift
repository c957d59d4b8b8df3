/// The time of day that a process uses: the wall clock once, and from then on a clock that nobody sets.
///
/// A wall clock that jumps changes nothing here. One set by less than the tolerance is followed, slowly: this clock
/// stays right for years, and never runs backwards.
///
/// A value without clocks: its owner reads them. All times are microseconds; `boot` is a clock that counts while the
/// process is stopped and never runs backwards, such as `CLOCK_BOOTTIME`.
public struct SteadyClock: Hashable, Sendable {
  /// What a look at the wall clock found.
  public enum Change: Hashable, Sendable {
    /// It differs by more than the tolerance, by this many microseconds: above 0 if it is ahead.
    case jumped(by: Int64)
    /// It is within the tolerance again.
    case agrees
  }

  /// This clock gains or loses one microsecond in this many: 3.6 s an hour. Clocks synchronized by NTP drift by at
  /// most a twentieth of that, and a leap second is made up for in 17 minutes.
  public static let followingDivisor: Int64 = 1_000

  /// The difference beyond which a wall clock is not followed.
  public let toleranceMicroseconds: Int64
  /// Whether the wall clock was within the tolerance at the newest look.
  public private(set) var isAgreed: Bool

  /// This clock's time at one moment of the clock that nobody sets.
  private var anchorTime: Int64
  private var anchorBoot: Int64
  /// How far the wall clock was ahead then, as far as it is followed.
  private var distance: Int64 = 0

  /// - Parameters:
  ///   - time: its first time; the wall clock, unless something already has a later time.
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
    // A caller that read `boot` before the newest look but asks after it gets the time of that look.
    let elapsed = max(boot - anchorBoot, 0)
    let most = elapsed / Self.followingDivisor
    return anchorTime + elapsed + min(max(distance, -most), most)
  }

  /// How far the wall clock is ahead of this one; below 0 when it is behind.
  public func skew(wall: Int64, boot: Int64) -> Int64 { wall - time(boot: boot) }

  /// Looks at the wall clock: follows it from now on if it is near. Returns what that changed, if anything.
  public mutating func look(wall: Int64, boot: Int64) -> Change? {
    (anchorTime, anchorBoot) = (time(boot: boot), max(boot, anchorBoot))
    let skew = wall - anchorTime
    let isNear = skew.magnitude <= UInt64(toleranceMicroseconds)
    distance = isNear ? skew : 0
    guard isNear != isAgreed else { return nil }
    isAgreed = isNear
    return isNear ? .agrees : .jumped(by: skew)
  }

  /// Follows the wall clock from now on, which something else has shown to be right. Only this may make it run
  /// backwards.
  public mutating func set(wall: Int64, boot: Int64) {
    (anchorTime, anchorBoot, distance, isAgreed) = (wall, boot, 0, true)
  }
}
