import Model
import Testing

@Suite struct AmountTests {
  private static let max = Money(unchecked: 9_007_199_254_740_991)
  private static func money(_ value: Int64) -> Money { Money(unchecked: value) }

  @Test func theRange() {
    #expect(Money.max == (Int64(1) << 53) - 1)
    #expect(Money(-1) == nil)
    #expect(Money(.min) == nil)
    #expect(Money(0) == .zero)
    #expect(Money(Money.max) == Self.max)
    #expect(Money(Money.max + 1) == nil)
    #expect(Quantity(.max) == nil)
  }

  @Test func sums() {
    #expect(Self.money(2).adding(Self.money(3)) == Self.money(5))
    #expect(Self.max.adding(.zero) == Self.max)
    #expect(Self.max.adding(Self.money(1)) == nil)
    #expect(Self.max.adding(Self.max) == nil)
  }

  @Test func differences() {
    #expect(Self.money(3).subtracting(Self.money(3)) == .zero)
    #expect(Self.money(3).subtracting(Self.money(4)) == nil)
    #expect(Money.zero.subtracting(Self.max) == nil)
    #expect(Self.max.subtracting(Self.max) == .zero)
  }

  @Test func products() {
    #expect(Self.money(7).times(Quantity(unchecked: 6)) == Self.money(42))
    #expect(Self.max.times(.one) == Self.max)
    #expect(Self.max.times(.zero) == .zero)
    #expect(Self.money(4_503_599_627_370_496).times(Quantity(unchecked: 2)) == nil, "2^53, one too many")
    #expect(Self.max.times(Quantity(unchecked: Quantity.max)) == nil, "past 64 bits")
  }

  @Test func theyAscend() {
    #expect(Quantity.zero < .one)
    #expect(!(Quantity.one < .one))
    #expect(Timestamp(milliseconds: -1) < .zero)
  }
}
