/// The turns of one writer's partitions.
///
/// Each checkpoint of an owner has a *turn*, a number to which it moves its partition's row from the previous one. If
/// the answer to a commit is lost, the checkpoint may have been written, may never be, or may still be under way on a
/// connection that the server has not given up. Reading the row is not enough: the checkpoint could be written right
/// after the answer, and later overwrite newer rows. So the query itself moves the row on, to a turn that was never
/// issued, unless it finds the lost checkpoint's turn there: either way its result is final.
struct Turns {
  private struct Entry {
    let epoch: UInt64
    var reached: Int64 = 0
    var issued: Int64 = 0
    var offset: Int64?
  }

  private var entries: [UInt16: Entry] = [:]

  /// A new owner's row is at turn 0.
  mutating func acquired(_ partition: UInt16, epoch: UInt64, offset: Int64?) {
    entries[partition] = Entry(epoch: epoch, offset: offset)
  }

  /// The turn that the row has reached and one that was never issued; nil if this store last acquired the partition
  /// with another epoch.
  mutating func next(_ partition: UInt16, epoch: UInt64) -> (reached: Int64, next: Int64)? {
    guard var entry = entries[partition], entry.epoch == epoch else { return nil }
    entry.issued += 1
    entries[partition] = entry
    return (entry.reached, entry.issued)
  }

  /// The row is known to be at a turn that was issued.
  /// - Parameter offset: of the checkpoint written with it; nil if none was.
  mutating func reached(_ turn: Int64, _ partition: UInt16, epoch: UInt64, offset: Int64? = nil) {
    guard entries[partition]?.epoch == epoch else { return }
    entries[partition]?.reached = turn
    if let offset { entries[partition]?.offset = offset }
  }

  /// The row's known standing.
  func standing(of partition: UInt16) -> Standing? {
    entries[partition].map { Standing(epoch: Int64(clamping: $0.epoch), turn: $0.reached, offset: $0.offset) }
  }
}
