import Model

/// How a shop gets more partitions: where each row goes, and what a new partition begins with.
///
/// The new count is a multiple of the old one, so what has partition i of n goes to partitions i, i + n, i + 2n, … of
/// m: its *heirs*, of which it is the first. It keeps its log, numbers, streams, accounts and epoch, and loses the rows
/// of the others. They begin with its time, rules and bounds, and with nothing else: nobody ever sent them anything.
///
/// **Nothing may be under way.** A slip names partitions by their index, and holds and parked checkouts are where the
/// slip says. So every checkout must have ended, every message must have arrived, and every log must be in the store.
///
/// **Idempotency keys** go to every heir. The row of a key does not say which entity it was for, and with a multiple of
/// the old count a repetition reaches one of them. In the others the key expires.
///
/// **Attempts** are numbered by their orders' partition and must never repeat for an order that has moved: an heir
/// continues from its source's number.
public struct GrowthPlan: Hashable, Sendable {
  public let from: Partitioner
  public let to: Partitioner

  /// The most partitions of a service that the program can be set to.
  public static let countMax = 256
  /// The offset that the checkpoints of new partitions are at: the record there says nothing, and is not kept. So a
  /// log from its first record on never leads to rows that came from elsewhere.
  public static let firstOffset: Int64 = 0

  /// - Throws: `GrowthRefusal` unless `new` is a multiple of `old`, larger, and at most `countMax`.
  public init(from old: Int, to new: Int) throws(GrowthRefusal) {
    let possible = stride(from: 2 * old, through: Self.countMax, by: max(old, 1)).prefix(4).map(String.init)
    let next =
      possible.isEmpty ? "it has as many as it can have" : "possible counts: \(possible.joined(separator: ", "))"
    guard let from = Partitioner(count: old), let to = Partitioner(count: new), new <= Self.countMax else {
      throw GrowthRefusal("a service can have 1 to \(Self.countMax) partitions, not \(new); \(next)")
    }
    guard new > old else {
      throw GrowthRefusal("\(new) is not more than the \(old) partitions that the shop has; \(next)")
    }
    guard new % old == 0 else {
      throw GrowthRefusal("\(new) is not a multiple of the \(old) partitions that the shop has; \(next)")
    }
    self.from = from
    self.to = to
  }

  /// The partitions that get the rows of one, ascending, itself first.
  public func heirs(of index: UInt16) -> [UInt16] {
    stride(from: Int(index), to: to.count, by: from.count).map(UInt16.init(truncatingIfNeeded:))
  }

  /// Which partition a new one gets its rows from.
  public func source(of index: UInt16) -> UInt16 { UInt16(truncatingIfNeeded: Int(index) % from.count) }

  static let finishCheckouts =
    "start the shop without callers until its checkouts have ended, stop it with SIGTERM, and run this again"

  /// The partitions that do not exist yet, of one service, ascending.
  public var added: Range<UInt16> { UInt16(truncatingIfNeeded: from.count)..<UInt16(truncatingIfNeeded: to.count) }

  // MARK: Rows

  /// The partitions that a row belongs to afterwards.
  /// - Throws: `GrowthRefusal` for a row of a checkout that has not ended, or of another partition.
  public func places(
    of key: EntityKey, _ entity: Entity, in partition: PartitionID, at now: Timestamp
  ) throws(GrowthRefusal) -> [UInt16] {
    if let open = Self.unfinished(key, entity) {
      throw GrowthRefusal("\(partition): \(open); \(Self.finishCheckouts)")
    }
    let place: PartitionID
    switch key {
    case .order(let order): place = to.partition(of: order)
    case .item(let item): place = to.partition(of: item)
    case .user(let user), .payment(let user, _): place = to.partition(of: user)
    case .hold: return [partition.index]
    case .idempotency:
      if case .idempotency(let record) = entity, record.expiry <= now { return [partition.index] }
      return heirs(of: partition.index)
    }
    guard place.service == partition.service, source(of: place.index) == partition.index else {
      throw GrowthRefusal("\(partition): has a row of \(place); run kassa verify, and restore a backup")
    }
    return [place.index]
  }

  private static func unfinished(_ key: EntityKey, _ entity: Entity) -> String? {
    switch (key, entity) {
    case (.order(let id), .order(let order)) where order.status == .checkingOut || !order.waiters.isEmpty:
      "order \(id) is being checked out"
    case (.item(let id), .item(let item)) where item.held != .zero || !item.parked.isEmpty:
      "a checkout holds units of item \(id), or waits for some"
    case (.hold(let attempt), _): "checkout \(attempt) holds stock, or waits for some"
    default: nil
    }
  }

  /// What a new partition begins with; nil if its source never had a record.
  /// - Parameter offset: of the newest record of its log, which says nothing.
  public func header(
    of partition: PartitionID, from source: CheckpointHeader?, at offset: Int64 = Self.firstOffset
  ) -> CheckpointHeader? {
    guard let source, source.offset >= 0 else { return nil }
    var ledger = Ledger()
    ledger.attempts = source.ledger.attempts
    return CheckpointHeader(
      partition: partition, offset: offset, now: source.now, rulesVersion: source.rulesVersion,
      limits: source.limits, ledger: ledger)
  }
}
