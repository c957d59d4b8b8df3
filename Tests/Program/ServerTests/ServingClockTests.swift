import Clocks
import Model
import Telemetry
import Testing

@testable import Server

@Suite struct ServingClockTests {
  static let day: Int64 = 24 * 60 * 60 * 1_000
  static let wall: Int64 = 1_798_000_000_000
  static let stock = PartitionID(.stock, 3)

  @Test func beginsWithTheWallClock() {
    let clock = ServingClock(toleranceMilliseconds: 60_000)
    #expect(abs(clock.now().milliseconds - WallClock.milliseconds) < 10_000)
    #expect(abs(clock.skewMilliseconds()) < 10_000)
  }

  @Test func goesOnFromWhatHappened() {
    let later = WallClock.milliseconds + 3_650 * Self.day
    let clock = ServingClock(toleranceMilliseconds: 60_000, notBefore: Timestamp(milliseconds: later))
    #expect(clock.now().milliseconds >= later && clock.skewMilliseconds() < -3_649 * Self.day)
    let earlier = ServingClock(toleranceMilliseconds: 60_000, notBefore: Timestamp(milliseconds: 1))
    #expect(abs(earlier.skewMilliseconds()) < 10_000)
  }

  /// How far another clock is ahead, how long it took to ask it, and what is found.
  @Test(
    arguments: [
      (0, 0, nil), (50_000, 0, nil), (-50_000, 0, nil), (90_000_000, 0, 90_000), (-90_000_000, 0, -90_000),
      // It may have been read when it was asked, and the answer have taken its time.
      (-80_000, 40_000, nil), (-130_000, 40_000, -90),
    ] as [(Int64, Int64, Int64?)])
  func comparesWithAnotherClock(ahead: Int64, took: Int64, seconds: Int64?) {
    let clock = ServingClock(toleranceMilliseconds: 60_000)
    let found = clock.disagreement(
      with: WallClock.milliseconds + ahead, askedAt: BootClock.milliseconds - took)
    #expect(found.map { abs($0 / 1_000 - (seconds ?? 0)) <= 5 } ?? (seconds == nil), "\(found as Any)")
  }

  @Test func goesByAWallClockThatAnotherOneConfirms() {
    let wrong = Timestamp(milliseconds: WallClock.milliseconds + 3_650 * Self.day)
    let clock = ServingClock(toleranceMilliseconds: 60_000, notBefore: wrong)
    let asked = BootClock.milliseconds
    #expect(clock.disagreement(with: wrong.milliseconds, askedAt: asked) == nil, "that one agrees with what it tells")
    #expect(clock.skewMilliseconds() < -Self.day)
    #expect(clock.disagreement(with: WallClock.milliseconds, askedAt: asked) == nil)
    #expect(abs(clock.skewMilliseconds()) < 10_000)
  }

  /// How far the newest record is behind the machine's clock, and a word of the refusal.
  @Test(
    arguments: [
      (0, nil), (399 * day, nil), (401 * day, "more than 400 days before"), (-59_000, nil), (-61_000, "which is later"),
      (-3_650 * day, "which is later"),
    ] as [(Int64, String?)])
  func refusesAClockThatCannotBe(behind: Int64, word: String?) {
    let newest = (time: Timestamp(milliseconds: Self.wall - behind), partition: Self.stock)
    let refusal = ClockRefusal(wall: Self.wall, newest: newest, path: "data", toleranceMilliseconds: 60_000)
    guard let word else {
      #expect(refusal == nil)
      return
    }
    for part in [
      word, "data: ", "stock-3", "\(UTCTime(milliseconds: Self.wall))",
      "\(UTCTime(milliseconds: Self.wall - behind))", "--accept-clock now",
    ] { #expect(refusal?.description.contains(part) == true, "\(refusal as Any) lacks \(part)") }
  }

  @Test func aNewFolderTakesAnyClock() {
    #expect(ClockRefusal(wall: 0, newest: nil, path: "data", toleranceMilliseconds: 60_000) == nil)
  }
}
