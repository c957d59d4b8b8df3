import Testing

@testable import Callers

@Suite struct SubjectBucketsTests {
  private static let second: Int64 = 1_000_000_000

  private func rate(_ perSecond: Int, burst: Int) throws -> CallerRate {
    try #require(CallerRate(perSecond: perSecond, burst: burst))
  }

  /// How many tokens a bucket gives at once.
  private func drain(_ bucket: SharedBucket, _ rate: CallerRate, at now: Int64) -> Int {
    var count = 0
    while case .allowed = bucket.take(at: now, rate) { count += 1 }
    return count
  }

  @Test func aSubjectHasOneBucket() throws {
    let buckets = SubjectBuckets()
    let rate = try rate(1, burst: 3)
    #expect(drain(buckets.bucket(of: "a"), rate, at: 0) == 3)
    #expect(drain(buckets.bucket(of: "a"), rate, at: 0) == 0)
    #expect(drain(buckets.bucket(of: "b"), rate, at: 0) == 3)
    #expect(buckets.bucket(of: "a") === buckets.bucket(of: "a"))
  }

  /// Whoever has tokens of more subjects than there are buckets pushes out a bucket, and finds no more in the new one.
  @Test func displacementFillsNoBucket() throws {
    let buckets = SubjectBuckets(countMax: 8)
    let rate = try rate(1, burst: 10)
    let mine = buckets.bucket(of: "mine")
    #expect(drain(mine, rate, at: 0) == 10)
    for number in 0..<1_000 { _ = drain(buckets.bucket(of: "\(number)"), rate, at: 0) }
    #expect(mine.isClosed, "it had to make room")
    #expect(mine.take(at: 0, rate) == .refused(wait: Self.second), "nobody takes from a closed one")
    #expect(mine.take(at: .max / 2, rate) == .refused(wait: Self.second), "at any time")
    let again = buckets.bucket(of: "mine")
    #expect(again !== mine && drain(again, rate, at: 0) == 0)
    #expect(drain(again, rate, at: 4 * Self.second) == 4, "it fills as it would have")
  }

  /// Over any sequence of subjects nobody gets more than one bucket holds and time adds.
  @Test func nobodyGetsMoreThanTheRate() throws {
    var generator = SystemRandomNumberGenerator()
    let seed = UInt64.random(in: 0 ... .max, using: &generator)
    var word = seed
    func below(_ bound: Int) -> Int {
      word = word &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((word >> 33) % UInt64(bound))
    }
    let buckets = SubjectBuckets(countMax: 6)
    let rate = try rate(10, burst: 5)
    var taken: [Int: Int] = [:]
    var now: Int64 = 0
    for _ in 0..<50_000 {
      now += Int64(below(3)) * 1_000_000
      let subject = below(20)
      if case .allowed = buckets.bucket(of: "\(subject)").take(at: now, rate) { taken[subject, default: 0] += 1 }
    }
    let most = 5 + Int(now / 100_000_000) + 1
    #expect(taken.values.allSatisfy { $0 <= most }, "seed \(seed): \(taken) of \(most)")
    #expect(taken.count == 20)
  }

  @Test func theIdleMakeRoomBeforeTheBusy() throws {
    let buckets = SubjectBuckets(countMax: SubjectBuckets.candidates)
    let rate = try rate(1, burst: 10)
    for number in 0..<SubjectBuckets.candidates where number != 5 {
      _ = drain(buckets.bucket(of: "busy \(number)"), rate, at: 100 * Self.second)
    }
    let idle = buckets.bucket(of: "idle")
    _ = buckets.bucket(of: "new")
    #expect(idle.isClosed)
    #expect(
      drain(buckets.bucket(of: "new"), rate, at: 100 * Self.second) == 10, "nothing was lost that it must pay for")
  }

  @Test func itIsBounded() {
    let buckets = SubjectBuckets()
    let first = buckets.bucket(of: "first")
    let count = SubjectBuckets.countMax + SubjectBuckets.candidates
    let all = (0..<count).map { buckets.bucket(of: "\($0)") }
    #expect((all + [first]).count { !$0.isClosed } == SubjectBuckets.countMax)
  }

  /// Lanes take while buckets are pushed out: together they get no more than one bucket holds.
  @Test func lanesAtTheSameTime() async throws {
    let buckets = SubjectBuckets(countMax: 2)
    let rate = try rate(1, burst: 1_000)
    let allowed = await withTaskGroup(of: Int.self) { group in
      for lane in 0..<4 {
        group.addTask {
          (0..<3_000).count { round in
            if round % 7 == 0 { _ = buckets.bucket(of: "\(lane) \(round)") }
            if case .allowed = buckets.bucket(of: "mine").take(at: 0, rate) { return true }
            return false
          }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(allowed <= 1_000)
  }
}
