import Clocks
import Testing

@Suite struct BackoffTests {
  @Test func doublesUpToTheLongest() {
    let backoff = Backoff(first: 50, longest: 1_000)
    #expect((1...7).map(backoff.wait) == [50, 100, 200, 400, 800, 1_000, 1_000])
    #expect(backoff.wait(after: .max) == 1_000)
    #expect(backoff.wait(after: 0) == 50 && backoff.wait(after: -1) == 50)
  }

  @Test(arguments: [Int64(0), 1, 3, .max]) func noBoundOverflows(first: Int64) {
    let backoff = Backoff(first: first, longest: .max)
    for failures in [1, 2, 61, 62, 63, 64, 65, Int.max] {
      #expect(backoff.wait(after: failures) >= first, "\(failures)")
    }
  }

  @Test func isShortenedByHalfAtMost() {
    let backoff = Backoff(first: 101, longest: 1_000)
    var generator = SystemRandomNumberGenerator()
    var seen: Set<Int64> = []
    for _ in 0..<1_000 { seen.insert(backoff.wait(after: 2, using: &generator)) }
    #expect(seen.allSatisfy { (101...202).contains($0) } && seen.count > 50, "pods do not come back together")
    #expect(Backoff(first: 0, longest: 0).wait(after: 3, using: &generator) == 0)
  }
}
