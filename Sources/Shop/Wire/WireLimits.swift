import Model

/// Bounds of what a reader accepts. Writers must stay within them: no bound of the core can be set higher, and the logs
/// split records.
public enum WireLimits {
  /// The most entries of one record.
  public static let recordEntriesMax = 262_144
  /// The most controls of one record of a log with one writer per partition.
  package static let recordControlsMax = 64
  /// The highest number of a stream's input, and of a record: the stores' numbers are signed.
  package static let streamNumberMax = UInt64(Int64.max)
  /// The most messages of one frame between pods.
  package static let meshMessagesMax = 4_096
  /// The most inputs, replies or receipts of one message between pods; writers split longer lists.
  package static let meshListMax = 4_096
  /// How far from now a command's deadline may be, in both directions; far enough below 2^63 that adding a clock's
  /// milliseconds cannot overflow.
  package static let deadlineMillisecondsMax = timeMillisecondsMax
  /// The most different items of one order, or of one slip.
  public static let orderLinesMax = RuleLimits.Highest.orderLinesMax
  /// The most requests waiting for one order.
  public static let orderWaitersMax = RuleLimits.Highest.orderWaitersMax
  /// The most checkouts waiting for one item.
  public static let itemParkedMax = RuleLimits.Highest.itemParkedMax
  /// The highest partition count (`Partitioner`).
  public static let partitionsMax = 4_096
  /// The highest time that a record may have, the end of the year 9999; far enough below 2^63 that adding an expiry
  /// cannot overflow.
  public static let timeMillisecondsMax: Int64 = 253_402_300_799_999
  /// The highest expiry of an idempotency record, 2^53−1.
  public static let expiryMillisecondsMax: Int64 = Money.max
}
