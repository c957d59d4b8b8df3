/// Random numbers that follow from a seed alone, the same on every machine.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
public struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  public init(seed: UInt64) { state = seed }

  public mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// 0 ..< bound; 0 if the bound is not positive. Lemire's multiplication.
  public mutating func next(below bound: Int64) -> Int64 {
    bound < 1 ? 0 : Int64(next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// One of 0 ..< count; 0 if there is none.
  public mutating func index(below count: Int) -> Int { Int(next(below: Int64(count))) }

  /// A number in 0 ..< 1.
  public mutating func fraction() -> Double { Double(next() >> 11) * 0x1p-53 }
}
