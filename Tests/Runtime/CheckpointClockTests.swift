import Testing

@testable import Runtime

@Suite struct CheckpointClockTests {
  @Test func partitionsShareTheInterval() {
    let moments = (0..<4).map { CheckpointClock(from: 5_000, every: 1_000, share: $0, of: 4).dueAt }
    #expect(moments == [5_250, 5_500, 5_750, 6_000])
  }

  /// A checkpoint ends at a time: when the next one is due.
  @Test(
    arguments: [
      (5_250, 6_250), (5_260, 6_250),
      // Late, by more than an interval.
      (8_300, 9_250),
      // Before it was due.
      (5_100, 5_250), (5_249, 5_250),
    ] as [(UInt64, UInt64)])
  func keepsItsMoment(ended: UInt64, dueAt: UInt64) {
    var clock = CheckpointClock(from: 5_000, every: 1_000, share: 0, of: 4)
    clock.ended(ended)
    #expect(clock.dueAt == dueAt)
    #expect(!clock.isDue(dueAt - 1) && clock.isDue(dueAt))
  }

  /// While bounds are exceeded one checkpoint follows the other: the next one is due within an interval all the same.
  @Test func manyBeforeTheirTimeDelayNone() {
    var clock = CheckpointClock(from: 5_000, every: 1_000, share: 0, of: 4)
    for time in UInt64(5_001)..<9_000 {
      clock.ended(time)
      #expect(clock.dueAt > time && clock.dueAt <= time + 1_000)
    }
  }
}
