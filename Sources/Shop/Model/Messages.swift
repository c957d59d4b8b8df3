/// A message from one partition to another: a step of a checkout, forwards or back.
public enum Message: Hashable, Sendable {
  /// To the stock partition of `slip.stops[stop]`: hold these lines, then pass the slip on.
  case reserve(Slip, stop: UInt16)
  /// To the user's payment partition: everything is held, take the money.
  case charge(Slip)
  /// To the order: the money is taken.
  case paid(AttemptID)
  /// To a stock partition: the money is taken, the held lines are sold.
  case commit(AttemptID)
  /// To the stock partition of `slip.stops[stop]`: give back what is held there, then pass on backwards.
  case release(Slip, stop: UInt16, Failure)
  /// To the order: nothing is held or taken now.
  case failed(AttemptID, Failure)

  /// The routing slip it carries, if any.
  public var slip: Slip? {
    switch self {
    case .reserve(let slip, _), .charge(let slip), .release(let slip, _, _): slip
    case .paid, .commit, .failed: nil
    }
  }
}

extension Message {
  /// Whether somebody waits for what it brings about. Sold units count as held until the commit, which harms nobody.
  public var isAwaited: Bool { if case .commit = self { false } else { true } }
}

/// Why a checkout attempt did not succeed.
public enum Failure: Hashable, Sendable {
  case outOfStock(ItemID)
  case unknownItem(ItemID)
  case outOfCredit(UserID)
  case unknownUser(UserID)
  /// The order was paid by hand, with another amount than it costs.
  case paymentConflict(OrderID)
  /// Too many buyers wait for the item; another try may succeed.
  case tooManyWaiting(ItemID)
  /// A number of the user's account would be out of range.
  case amountOutOfRange(UserID)
}

/// Where a message between partitions came from. A receiver keeps the highest position of each source partition and
/// drops what is not higher.
public struct SourcePosition: Hashable, Comparable, Sendable {
  /// The offset of the record that caused the message, in the source's log.
  public let offset: Int64
  /// Counts the messages that the record caused.
  public let index: UInt32

  public init(offset: Int64, index: UInt32) {
    self.offset = offset
    self.index = index
  }

  public static func < (a: SourcePosition, b: SourcePosition) -> Bool {
    a.offset == b.offset ? a.index < b.index : a.offset < b.offset
  }
}

/// A message as the receiver's log stores it.
public struct PartitionMessage: Hashable, Sendable {
  public let source: PartitionID
  public let position: SourcePosition
  public let message: Message

  public init(source: PartitionID, position: SourcePosition, message: Message) {
    self.source = source
    self.position = position
    self.message = message
  }
}
