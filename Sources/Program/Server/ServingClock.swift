import Clocks
import Model
import OperatorAPI
import Settings
import Synchronization
import Telemetry
import Lanes

/// The time that a process puts into records: a `SteadyClock` on the process's clocks, watched on its own thread. From
/// any thread.
public final class ServingClock: Sendable {
  private let clock: Mutex<SteadyClock>
  private let isEnding = Signal()
  private let thread = Mutex<BackgroundThread?>(nil)

  /// How often the wall clock is read.
  static let lookMilliseconds = 100

  /// - Parameter earliest: a time before which it must not begin; nil: it begins with the wall clock.
  public init(toleranceMilliseconds: Int64, notBefore earliest: Timestamp? = nil) {
    let (wall, boot) = (WallClock.microseconds, BootClock.microseconds)
    let start = max(wall, earliest.map { $0.milliseconds * 1_000 } ?? wall)
    clock = Mutex(
      SteadyClock(startingAt: start, wall: wall, boot: boot, toleranceMicroseconds: toleranceMilliseconds * 1_000))
  }

  deinit { end() }

  /// The time that records get.
  public func now() -> Timestamp {
    let boot = BootClock.microseconds
    return Timestamp(milliseconds: clock.withLock { $0.time(boot: boot) } / 1_000)
  }

  /// How far the wall clock is ahead; below 0 when it is behind.
  public func skewMilliseconds() -> Int64 {
    let (wall, boot) = (WallClock.microseconds, BootClock.microseconds)
    return clock.withLock { $0.skew(wall: wall, boot: boot) } / 1_000
  }

  /// Starts to watch the wall clock, and reports when it jumps and when it is right again.
  public func watch(_ journal: Log) {
    let started = BackgroundThread("clock") { [weak self, isEnding] in
      self?.reportAtStart(journal)
      while !isEnding.wait(milliseconds: Self.lookMilliseconds) {
        guard let self else { return }
        self.look(journal)
      }
    }
    thread.withLock { $0 = started }
  }

  private func look(_ journal: Log) {
    let (wall, boot) = (WallClock.microseconds, BootClock.microseconds)
    switch clock.withLock({ $0.look(wall: wall, boot: boot) }) {
    case .jumped(let microseconds): report(journal, skewMicroseconds: microseconds)
    case .agrees: journal.info("the wall clock is right again", ["skew_ms": LogValue(skewMilliseconds())])
    case nil: break
    }
  }

  private func reportAtStart(_ journal: Log) {
    let (wall, boot) = (WallClock.microseconds, BootClock.microseconds)
    let (isAgreed, skew) = clock.withLock { ($0.isAgreed, $0.skew(wall: wall, boot: boot)) }
    if !isAgreed { report(journal, skewMicroseconds: skew) }
  }

  private func report(_ journal: Log, skewMicroseconds: Int64) {
    journal.warning(
      "the wall clock is wrong, or was at the start: records get the time that has passed since then",
      [
        "skew_ms": LogValue(skewMicroseconds / 1_000),
        "records_get": LogValue(UTCTime(milliseconds: now().milliseconds)),
      ])
  }

  /// Compares with what another machine's clock said between two moments here. If that agrees with the wall clock,
  /// the wall clock was wrong at the start and is right now: it is followed from then on.
  ///
  /// - Parameters:
  ///   - other: milliseconds since 1970-01-01 UTC, by the other clock.
  ///   - sinceBoot: `BootClock.milliseconds` before the other was asked; the answer has just arrived.
  /// - Returns: how far the other clock is ahead if that is more than the tolerance; below 0 if it is behind.
  public func disagreement(with other: Int64, askedAt sinceBoot: Int64) -> Int64? {
    let (wall, boot) = (WallClock.microseconds, BootClock.microseconds)
    let tookMicroseconds = max(boot - sinceBoot * 1_000, 0)
    return clock.withLock { clock in
      /// The other clock may have been read at any moment since it was asked.
      func distance(to time: Int64) -> Int64? {
        let (first, last) = (other * 1_000 - time, other * 1_000 + 999 - (time - tookMicroseconds))
        if first > clock.toleranceMicroseconds { return first }
        return last < -clock.toleranceMicroseconds ? last : nil
      }
      guard let found = distance(to: clock.time(boot: boot)) else { return nil }
      guard distance(to: wall) != nil else {
        clock.set(wall: wall, boot: boot)
        return nil
      }
      return found / 1_000
    }
  }

  /// Stops watching. Blocking; not from the watching thread.
  public func end() {
    let ending = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    guard let ending else { return }
    isEnding.set()
    ending.join()
  }

  /// Adds what operators see of it.
  public func extend(_ sources: inout OperatorSources) {
    sources.metrics.append { [weak self] text in
      guard let self else { return }
      text.header(.clockSkew)
      text.sample(.clockSkew, seconds: Double(self.skewMilliseconds()) / 1_000)
    }
  }
}
