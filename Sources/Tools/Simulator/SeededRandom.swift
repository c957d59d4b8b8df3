import Model

/// The only source of randomness in a simulated run: numbers that follow from a seed alone.
struct SeededRandom: Sendable {
  private var generator: SplitMix64

  init(seed: UInt64) { generator = SplitMix64(seed: seed) }

  mutating func next() -> UInt64 { generator.next() }

  /// 0 ..< bound; 0 if the bound is not positive.
  mutating func below(_ bound: Int) -> Int { generator.index(below: bound) }

  mutating func within(_ range: ClosedRange<Int>) -> Int {
    range.lowerBound + below(range.upperBound - range.lowerBound + 1)
  }

  /// True in this many of a hundred cases.
  mutating func percent(_ chance: Int) -> Bool { below(100) < chance }

  mutating func pick<Element>(_ elements: [Element]) -> Element? {
    elements.isEmpty ? nil : elements[below(elements.count)]
  }

  /// The index of a weight, chosen with a probability proportional to it.
  mutating func place(in weights: [Int]) -> Int {
    var rest = below(weights.reduce(0, +))
    for (place, weight) in weights.enumerated() {
      rest -= weight
      if rest < 0 { return place }
    }
    return 0
  }
}
