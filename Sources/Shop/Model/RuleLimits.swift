/// The bounds on which a command's result depends: part of the rules.
///
/// All owners of a partition and all replays of its log must decide under the same ones, so they are in the log
/// (`Control.limits`) and in its checkpoints, and applying a record never looks at the configuration. An owner writes
/// its configured limits to the log, after everything decided under others.
public struct RuleLimits: Hashable, Sendable {
  /// The most different items of one order.
  public var orderLinesMax: Int
  /// The most requests waiting for one order's checkout.
  public var orderWaitersMax: Int
  /// The most checkouts waiting for one item; beyond this a buyer is asked to try again.
  public var itemParkedMax: Int
  /// How long an idempotency key is remembered.
  public var idempotencyExpiryMilliseconds: Int64
  /// How long after its last change an order may be removed by `OrderCommand.sweep`; nil: orders are kept for ever.
  public var orderRetentionMilliseconds: Int64?

  public init(
    orderLinesMax: Int, orderWaitersMax: Int, itemParkedMax: Int, idempotencyExpiryMilliseconds: Int64,
    orderRetentionMilliseconds: Int64? = nil
  ) {
    self.orderLinesMax = orderLinesMax
    self.orderWaitersMax = orderWaitersMax
    self.itemParkedMax = itemParkedMax
    self.idempotencyExpiryMilliseconds = idempotencyExpiryMilliseconds
    self.orderRetentionMilliseconds = orderRetentionMilliseconds
  }

  /// What a partition follows until its log says otherwise. Never change them: some logs say nothing.
  public static let initial = RuleLimits(
    orderLinesMax: 500, orderWaitersMax: 256, itemParkedMax: 4_096,
    idempotencyExpiryMilliseconds: 24 * 60 * 60 * 1_000)

  /// The highest bounds that can be chosen: records and rows cannot hold more.
  public enum Highest {
    public static let orderLinesMax = 16_384
    public static let orderWaitersMax = 65_536
    public static let itemParkedMax = 65_536
    /// Ten years.
    public static let idempotencyExpiryMilliseconds: Int64 = 3_650 * 24 * 60 * 60 * 1_000
    /// Ten years.
    public static let orderRetentionMilliseconds: Int64 = 3_650 * 24 * 60 * 60 * 1_000
  }

  /// The shortest retention of orders that can be chosen: one day.
  public static let orderRetentionMillisecondsMin: Int64 = 24 * 60 * 60 * 1_000

  /// A sentence about the first bound that cannot be chosen; nil if all can.
  public var contradiction: String? {
    let bounds = [
      ("orderLinesMax", Int64(orderLinesMax), Int64(Highest.orderLinesMax)),
      ("orderWaitersMax", Int64(orderWaitersMax), Int64(Highest.orderWaitersMax)),
      ("itemParkedMax", Int64(itemParkedMax), Int64(Highest.itemParkedMax)),
      (
        "idempotencyExpiryMilliseconds", idempotencyExpiryMilliseconds, Highest.idempotencyExpiryMilliseconds
      ),
    ]
    for (name, value, highest) in bounds {
      if value < 1 { return "\(name) (\(value)) must be at least 1" }
      if value > highest { return "\(name) (\(value)) must not exceed \(highest): records cannot hold more" }
    }
    return retentionContradiction
  }

  private var retentionContradiction: String? {
    guard let retention = orderRetentionMilliseconds else { return nil }
    let name = "orderRetentionMilliseconds (\(retention))"
    if retention < Self.orderRetentionMillisecondsMin {
      return "\(name) must be at least \(Self.orderRetentionMillisecondsMin), a day"
    }
    if retention > Highest.orderRetentionMilliseconds {
      return "\(name) must not exceed \(Highest.orderRetentionMilliseconds), ten years"
    }
    return nil
  }
}
