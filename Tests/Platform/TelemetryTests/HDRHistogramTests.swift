import Telemetry
import Testing

@Suite struct HDRHistogramTests {
  @Test func empty() {
    let histogram = HDRHistogram()
    #expect(histogram.count == 0 && histogram.percentile(99) == 0)
    #expect(histogram.minMicroseconds == 0 && histogram.maxMicroseconds == 0 && histogram.meanMicroseconds == 0)
  }

  /// Every value comes back from its bucket at most 1 % larger, never smaller.
  @Test func errorIsBelowOnePercent() {
    var values = Array(Int64(0)...600)
    for exponent in 8..<36 {
      let base = Int64(1) << Int64(exponent)
      values += [base - 1, base, base + 1, base + base / 3, base + base / 128, 2 * base - 1]
    }
    for value in values {
      var histogram = HDRHistogram()
      histogram.record(value)
      histogram.record(HDRHistogram.valueMicrosecondsMax)
      let told = histogram.percentile(50)
      #expect(told >= value && Double(told - value) <= Double(value) * 0.01, "\(value) came back as \(told)")
      #expect(value >= 256 || told == value)
    }
  }

  @Test func clampsWhatIsOutside() {
    var histogram = HDRHistogram()
    for value in [Int64.min, -1, .max] { histogram.record(value) }
    #expect(histogram.minMicroseconds == 0)
    #expect(histogram.maxMicroseconds == HDRHistogram.valueMicrosecondsMax)
    #expect(histogram.percentile(100) == HDRHistogram.valueMicrosecondsMax)
  }

  /// Against the sorted values themselves.
  @Test(arguments: [UInt64(1), 2, 3]) func percentilesOfRandomValues(seed: UInt64) {
    var state = seed
    func next() -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return state >> 33
    }
    var halves = [HDRHistogram(), HDRHistogram()]
    var values: [Int64] = []
    for index in 0..<10_000 {
      let value = Int64(next() >> (next() % 30))
      values.append(value)
      halves[index % 2].record(value)
    }
    values.sort()
    var whole = HDRHistogram()
    for half in halves { whole.merge(half) }
    for (percent, rank) in [(0.0, 1), (0.01, 1), (50, 5_000), (95, 9_500), (99, 9_900), (99.9, 9_990), (100, 10_000)] {
      let exact = values[rank - 1]
      let told = whole.percentile(percent)
      #expect(told >= exact && Double(told - exact) <= Double(exact) * 0.01, "seed \(seed), p\(percent)")
    }
    #expect(whole.count == 10_000 && whole.sumMicroseconds == UInt64(values.reduce(0, +)))
    #expect(whole.minMicroseconds == values[0] && whole.maxMicroseconds == values[9_999])
    #expect(whole.percentile(-5) == whole.percentile(0) && whole.percentile(.nan) == whole.maxMicroseconds)
  }
}
