/// A whole number of something, 0…2^53−1, so that every JSON reader keeps it exactly.
///
/// Arithmetic is checked: it returns nil if the result is out of range, and never traps.
public protocol Amount: Hashable, Comparable, Sendable, CustomStringConvertible {
  var value: Int64 { get }
  /// Takes a value that is known to be in range.
  init(unchecked value: Int64)
}

extension Amount {
  /// 2^53 − 1.
  public static var max: Int64 { 9_007_199_254_740_991 }
  public static var zero: Self { Self(unchecked: 0) }

  /// Takes `value` if it is in 0…2^53−1.
  public init?(_ value: Int64) {
    guard (0...Self.max).contains(value) else { return nil }
    self.init(unchecked: value)
  }

  /// The sum, or nil past 2^53−1.
  public func adding(_ other: Self) -> Self? { Self(value + other.value) }

  /// The difference, or nil below 0.
  public func subtracting(_ other: Self) -> Self? { Self(value - other.value) }

  public static func < (a: Self, b: Self) -> Bool { a.value < b.value }
  public var description: String { String(value) }
}

/// An amount of money in minor units (cents).
public struct Money: Amount {
  public let value: Int64
  public init(unchecked value: Int64) { self.value = value }

  /// This price for `quantity` units, or nil past 2^53−1.
  public func times(_ quantity: Quantity) -> Money? {
    let (product, overflow) = value.multipliedReportingOverflow(by: quantity.value)
    return overflow ? nil : Money(product)
  }
}

/// A number of units of an item.
public struct Quantity: Amount {
  public let value: Int64
  public init(unchecked value: Int64) { self.value = value }
  public static var one: Quantity { Quantity(unchecked: 1) }
}

/// Milliseconds since 1970-01-01 UTC, set by whoever appends a record; partitions read no clock.
public struct Timestamp: Hashable, Comparable, Sendable {
  public let milliseconds: Int64
  public init(milliseconds: Int64) { self.milliseconds = milliseconds }
  public static let zero = Timestamp(milliseconds: 0)
  public static func < (a: Timestamp, b: Timestamp) -> Bool { a.milliseconds < b.milliseconds }
}
