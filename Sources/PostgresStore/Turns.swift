/// The turns of one writer's partitions.
///
/// Each checkpoint of an owner has a *turn*, a number that it moves its partition's row to, from the one reached
/// before. When the answer to a commit is lost, the checkpoint may have been written, may never be, or may still be
/// under way on a connection that the server has not given up. Asking for the row is not enough: it could be written
/// right after the answer, and later overwrite newer rows. So the question itself moves the row on, to a turn that
/// was never given out, unless it finds the lost one's there: either way what it finds is final.
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

  /// The turn that the row has reached and one that was never given out; nil when the epoch is not the one with
  /// which this store acquired the partition last.
  mutating func next(_ partition: UInt16, epoch: UInt64) -> (reached: Int64, next: Int64)? {
    guard var entry = entries[partition], entry.epoch == epoch else { return nil }
    entry.issued += 1
    entries[partition] = entry
    return (entry.reached, entry.issued)
  }

  /// The row is known to be at a turn that was given out.
  /// - Parameter offset: of the checkpoint that was written with it; nil when none was.
  mutating func reached(_ turn: Int64, _ partition: UInt16, epoch: UInt64, offset: Int64? = nil) {
    guard entries[partition]?.epoch == epoch else { return }
    entries[partition]?.reached = turn
    if let offset { entries[partition]?.offset = offset }
  }

  /// Where the row is known to stand.
  func standing(of partition: UInt16) -> Standing? {
    entries[partition].map { Standing(epoch: Int64(clamping: $0.epoch), turn: $0.reached, offset: $0.offset) }
  }
}
