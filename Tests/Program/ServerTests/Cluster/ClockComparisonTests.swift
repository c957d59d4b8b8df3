import Clocks
import Model
import Server
import Telemetry
import Testing

@testable import Server

@Suite struct ClockComparisonTests {
  static let day: Int64 = 24 * 60 * 60 * 1_000

  /// How far another clock is ahead of this machine's.
  @Test(arguments: [25 * day / 24, -25 * day / 24, 3_650 * day, -3_650 * day])
  func namesBothTimesAndTheNextStep(ahead: Int64) {
    let clock = ServingClock(toleranceMilliseconds: 60_000)
    let asked = BootClock.milliseconds
    let theirs = WallClock.milliseconds + ahead
    let complaint = clock.complaint(about: "Kafka's", saying: theirs, askedAt: asked) ?? ""
    let ours = UTCTime(milliseconds: clock.now().milliseconds).description.prefix(13)
    for part in [
      "Kafka's clock says \(UTCTime(milliseconds: theirs))", "this pod's \(ours)", "clock-tolerance",
      "--accept-clock now", "they are \(abs(ahead) / 1_000) s apart",
    ] { #expect(complaint.contains(part), "\(complaint) lacks \(part)") }
    #expect(clock.question()(theirs)?.hasPrefix("the database's clock says") == true)
  }

  @Test func saysNothingOfAClockThatIsNear() {
    let clock = ServingClock(toleranceMilliseconds: 60_000)
    let near = WallClock.milliseconds + 20_000
    #expect(clock.question()(near) == nil)
    #expect(clock.complaint(about: "Kafka's", saying: near, askedAt: BootClock.milliseconds) == nil)
  }
}
