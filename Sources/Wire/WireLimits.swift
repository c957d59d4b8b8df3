import Model

/// Bounds of what a reader accepts. Whoever writes must stay below them; the bounds of the core do by far.
public enum WireLimits {
  /// The most entries of one record.
  public static let recordEntriesMax = 262_144
  /// The most different items of one order, or of one slip.
  public static let orderLinesMax = 16_384
  /// The most requests that wait for one order.
  public static let orderWaitersMax = 65_536
  /// The most checkouts that wait for one item.
  public static let itemParkedMax = 65_536
  /// The highest partition count (`Partitioner`).
  public static let partitionsMax = 4_096
  /// The highest time that a record may tell, the end of the year 9999; so much below 2^63 that adding an expiry
  /// to it cannot overflow.
  public static let timeMillisecondsMax: Int64 = 253_402_300_799_999
  /// The highest expiry of an idempotency record, 2^53−1.
  public static let expiryMillisecondsMax: Int64 = Money.max
}
