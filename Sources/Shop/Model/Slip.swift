/// The routing slip of one checkout attempt: where it goes, what it wants there, and who pays.
///
/// The slip visits its stops in order, each a stock partition that holds the stop's lines, then the user's
/// payment partition, then the order. Compensations go back the same way. Stops ascend by partition and lines
/// by item id, so that two slips can never wait for each other in a circle.
public struct Slip: Hashable, Sendable {
  public let attempt: AttemptID
  public let user: UserID
  public let total: Money
  public let stops: [Stop]
  public let trace: TraceContext?

  public init(attempt: AttemptID, user: UserID, total: Money, stops: [Stop], trace: TraceContext?) {
    self.attempt = attempt
    self.user = user
    self.total = total
    self.stops = stops
    self.trace = trace
  }

  /// The first stop whose partition is not among `count`, if any.
  public func stop(beyond count: Int) -> Stop? { stops.first { Int($0.partition) >= count } }

  /// The lines of a slip at one stock partition; not empty, merged, ascending by item.
  public struct Stop: Hashable, Sendable {
    /// The index of the stock partition.
    public let partition: UInt16
    public let lines: [Line]

    public init(partition: UInt16, lines: [Line]) {
      self.partition = partition
      self.lines = lines
    }
  }

  /// A number of units of an item; at least one.
  public struct Line: Hashable, Sendable {
    public let item: ItemID
    public let quantity: Quantity

    public init(item: ItemID, quantity: Quantity) {
      self.item = item
      self.quantity = quantity
    }
  }
}
