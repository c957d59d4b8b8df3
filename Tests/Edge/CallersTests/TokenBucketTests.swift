import TestSupport
import Testing

@testable import Callers

@Suite struct TokenBucketTests {
  /// When, in milliseconds, a request comes, and what becomes of it: tokens left, or milliseconds to wait.
  private static let tenASecondThreeAtOnce = """
    0     left 2
    0     left 1
    0     left 0
    0     wait 100
    99    wait 1
    100   left 0
    100   wait 100
    150   wait 50
    350   left 1
    350   left 0
    350   wait 50
    9000  left 2
    """

  @Test func table() throws {
    let rate = try #require(CallerRate(perSecond: 10, burst: 3))
    var bucket = TokenBucket()
    for line in Self.tenASecondThreeAtOnce.split(separator: "\n") {
      let words = line.split(separator: " ")
      let now = try #require(Int64(words[0])) * 1_000_000
      let number = try #require(Int64(words[2]))
      let expected: TokenBucket.Decision =
        words[1] == "left" ? .allowed(left: Int(number)) : .refused(wait: number * 1_000_000)
      expectEqual(bucket.take(at: now, rate), expected, "\(line)")
    }
  }

  @Test(arguments: [(1, 1), (1_000_000, 1_000_000), (1, 1_000_000), (1_000_000, 1), (3, 7)])
  func overTimeTheRateIsKept(_ perSecond: Int, _ burst: Int) throws {
    let rate = try #require(CallerRate(perSecond: perSecond, burst: burst))
    var bucket = TokenBucket()
    var allowed = 0
    for _ in 0..<(burst + 5) {
      if case .allowed = bucket.take(at: 0, rate) { allowed += 1 }
    }
    #expect(allowed == burst)
    // Whoever waits for as long as it is told is let in, and nobody earlier.
    guard case .refused(let wait) = bucket.take(at: 0, rate) else {
      Issue.record("an empty bucket gave a token")
      return
    }
    var early = bucket
    if case .allowed = early.take(at: wait - 1, rate) { Issue.record("too early") }
    expectEqual(bucket.take(at: wait, rate), .allowed(left: 0))
  }

  @Test func clocksOfAnyTimeAreTaken() throws {
    let rate = try #require(CallerRate(perSecond: 1, burst: 1_000_000))
    for moment in [0, Int64.max / 4, Int64.max / 2] {
      var bucket = TokenBucket()
      expectEqual(bucket.take(at: moment, rate), .allowed(left: 999_999))
    }
  }

  @Test(
    arguments: [
      ("5", "5"), ("5/9", "5/9"), ("5/5", "5"), ("0", nil), ("1000001", nil), ("5/", nil), ("/5", nil), ("5/0", nil),
      ("+5", nil), ("5/6/7", nil), ("", nil), ("99999999999999999999", nil),
    ] as [(String, String?)])
  func rates(_ text: String, _ read: String?) { #expect(CallerRate(text[...])?.description == read) }
}
