import Model
import PartitionCore

/// An order as the store has it: which one, and how old it is.
public struct StoredOrder: Hashable, Sendable {
  public let id: OrderID
  /// The partition's time of its last change; nil if it was changed before owners noted that.
  public let changedAt: Timestamp?

  public init(id: OrderID, changedAt: Timestamp?) {
    self.id = id
    self.changedAt = changedAt
  }

  /// nil if the row is not an order.
  public init?(_ row: EntityChange) {
    guard case .order(let id) = row.key, case .order(let order)? = row.value else { return nil }
    self.init(id: id, changedAt: order.changedAt)
  }

  /// The most orders of one page: what a store reads in a few milliseconds, so that loads do not wait longer.
  public static let pageMax = 512
}
