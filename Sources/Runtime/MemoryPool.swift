import Synchronization

/// What all partitions of a process together hold in memory. How many it owns changes while it runs, and how much
/// memory it has does not, so the bounds apply to the process, and a busy partition may use what idle ones leave.
final class MemoryPool: Sendable {
  private let residentMax: Int
  private let dirtyMax: Int
  private let resident = Atomic<Int>(0)
  private let dirty = Atomic<Int>(0)
  private let partitions = Atomic<Int>(0)

  /// What one partition holds.
  struct Holding: Hashable, Sendable {
    var resident = 0
    var dirty = 0
  }

  init(residentMax: Int, dirtyMax: Int) {
    self.residentMax = residentMax
    self.dirtyMax = dirtyMax
  }

  func join() { partitions.add(1, ordering: .relaxed) }

  func leave(_ last: Holding) {
    partitions.subtract(1, ordering: .relaxed)
    change(from: last, to: Holding())
  }

  func change(from old: Holding, to new: Holding) {
    if new.resident != old.resident { resident.add(new.resident - old.resident, ordering: .relaxed) }
    if new.dirty != old.dirty { dirty.add(new.dirty - old.dirty, ordering: .relaxed) }
  }

  /// What all of them hold.
  var holding: Holding {
    Holding(resident: resident.load(ordering: .relaxed), dirty: dirty.load(ordering: .relaxed))
  }

  /// Whether so much is dirty that new commands have to wait for checkpoints.
  var isDirtyBoundReached: Bool { dirty.load(ordering: .relaxed) >= dirtyMax }

  /// Whether enough is dirty that no checkpoint should wait for its interval.
  var isCheckpointDue: Bool { dirty.load(ordering: .relaxed) > dirtyMax / 2 }

  /// How many entities a partition may keep while all together hold too many; nil while they do not.
  var share: Int? {
    guard resident.load(ordering: .relaxed) > residentMax else { return nil }
    return residentMax / max(partitions.load(ordering: .relaxed), 1)
  }
}
