import Testing

@testable import PartitionRuntime

@Suite struct CheckpointClockTests {
  @Test func partitionsShareTheInterval() {
    let moments = (0..<4).map { CheckpointClock(from: 5_000, every: 1_000, share: $0, of: 4).dueAt }
    #expect(moments == [5_250, 5_500, 5_750, 6_000])
  }

  /// `ended` at these times, one after the other: when the next one is due.
  @Test(arguments: [
    (ended: [5_260], dueAt: 6_250),
    (ended: [5_250], dueAt: 6_250),
    // Late, by more than an interval.
    (ended: [8_300], dueAt: 9_250),
    // Before it was due.
    (ended: [5_100], dueAt: 5_250),
    (ended: [5_249], dueAt: 5_250),
  ])
  func keepsItsMoment(ended: [UInt64], dueAt: UInt64) {
    var clock = CheckpointClock(from: 5_000, every: 1_000, share: 0, of: 4)
    for now in ended { clock.ended(now) }
    #expect(clock.dueAt == dueAt)
    #expect(!clock.isDue(dueAt - 1) && clock.isDue(dueAt))
  }

  /// While bounds are exceeded one checkpoint follows the other: the next one is due within an interval all the same.
  @Test func manyBeforeTheirTimeDelayNone() {
    var clock = CheckpointClock(from: 5_000, every: 1_000, share: 0, of: 4)
    for now in UInt64(5_001)..<9_000 {
      clock.ended(now)
      #expect(clock.dueAt > now && clock.dueAt <= now + 1_000)
    }
  }
}
