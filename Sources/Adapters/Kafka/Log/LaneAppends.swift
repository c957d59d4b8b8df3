import Ports
import Model

/// What one lane has appended and heard nothing of yet: for each partition in the order of its appends, whatever
/// order the reports arrive in.
struct LaneAppends: Sendable {
  /// Rows under way. A partition has one or two, so no lane comes near this.
  static let countMax = 65_536

  private struct Row: Sendable {
    let tag: UInt
    let epoch: UInt64
    let number: UInt64?
    let byteCount: Int
    /// What the report said; nil before it arrives.
    var outcome: Outcome?
  }

  private struct Outcome: Sendable {
    let offset: Int64?
  }

  private let partitionCount: Int
  /// By slot.
  private var rows: [[Row]]
  private var lastSerial: UInt = 0
  private(set) var count = 0
  private(set) var byteCount = 0
  private var confirmations: [Confirmation] = []

  init(partitionCount: Int) {
    self.partitionCount = partitionCount
    rows = Array(repeating: [], count: partitionCount * Service.allCases.count)
  }

  /// Notes an append. Returns its tag, which is never 0; nil if the partition does not exist or there is no room.
  mutating func begin(_ partition: PartitionID, epoch: UInt64, _ number: UInt64?, byteCount: Int) -> UInt? {
    guard count < Self.countMax, let slot = partition.slot(of: partitionCount) else { return nil }
    lastSerial &+= 1
    let tag = lastSerial &* UInt(rows.count) &+ UInt(slot)
    rows[slot].append(Row(tag: tag, epoch: epoch, number: number, byteCount: byteCount, outcome: nil))
    count += 1
    self.byteCount += byteCount
    return tag
  }

  /// What was begun under a tag but not reported on.
  func append(_ tag: UInt) -> (partition: PartitionID, number: UInt64?)? {
    let slot = Int(tag % UInt(rows.count))
    guard let row = rows[slot].first(where: { $0.tag == tag && $0.outcome == nil }) else { return nil }
    return PartitionID(slot: slot, of: partitionCount).map { ($0, row.number) }
  }

  /// Notes the fate of an append: nil if unknown. A tag that is not under way changes nothing.
  mutating func settle(_ tag: UInt, offset: Int64?) {
    let slot = Int(tag % UInt(rows.count))
    guard let place = rows[slot].firstIndex(where: { $0.tag == tag && $0.outcome == nil }),
      let partition = PartitionID(slot: slot, of: partitionCount)
    else { return }
    rows[slot][place].outcome = Outcome(offset: offset)
    count -= 1
    byteCount -= rows[slot][place].byteCount
    while let first = rows[slot].first, let outcome = first.outcome {
      rows[slot].removeFirst()
      confirmations.append(
        Confirmation(partition: partition, epoch: first.epoch, number: first.number, offset: outcome.offset))
    }
  }

  /// Notes an append that there was no room for: it is not on its way.
  mutating func refuse(_ partition: PartitionID, epoch: UInt64, _ number: UInt64?) {
    confirmations.append(Confirmation(partition: partition, epoch: epoch, number: number, offset: nil))
  }

  mutating func takeConfirmations() -> [Confirmation] {
    guard !confirmations.isEmpty else { return [] }
    defer { confirmations = [] }
    return confirmations
  }
}
