import Model
import Synchronization

/// The partitions that are known not to serve: stopped, or without an owner for longer than a takeover lasts. Checkouts
/// that need one are refused before they reserve anything, because nobody could say when their holds would end.
///
/// Written when that changes, read by every lane in each of its turns.
final class UnservedPartitions: Sendable {
  private let isAny = Atomic(false)
  private let known: Mutex<Set<PartitionID>> = Mutex([])

  /// How long a partition may be without an owner before it counts: a multiple of what a takeover after a crash takes.
  static let ownerlessMilliseconds: UInt64 = 15_000

  var partitions: Set<PartitionID> { isAny.load(ordering: .relaxed) ? known.withLock { $0 } : [] }

  func note(_ partition: PartitionID, isServed: Bool) {
    if isServed, !isAny.load(ordering: .relaxed) { return }
    known.withLock { known in
      if isServed { known.remove(partition) } else { known.insert(partition) }
      isAny.store(!known.isEmpty, ordering: .relaxed)
    }
  }
}
