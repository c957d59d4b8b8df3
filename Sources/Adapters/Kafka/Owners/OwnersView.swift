import Model
import Ports
import Wire

/// What a pod makes of the owner map's records, one after another, and what it must write itself.
struct OwnersView: Sendable {
  private(set) var snapshot = OwnershipSnapshot()
  var book = AnnouncementBook()
  var run: OwnRun
  /// Records that no version of ours wrote, or a newer one.
  private(set) var recordsPassedOver: UInt64 = 0
  /// The highest incarnation that the pod's name had.
  private(set) var incarnationMax: UInt64 = 0
  /// The offset after the newest record.
  private(set) var nextOffset: Int64 = 0

  init(run: OwnRun) { self.run = run }

  /// Takes a record; returns whether the map changed.
  ///
  /// Offsets only grow: a lower one belongs to a topic that lost its records, or was recreated. Then the map starts
  /// over as well, with what this pod knows of itself, and this pod says all of that again.
  mutating func read(_ row: OwnersTopic.Row, _ report: (KafkaEvent) -> Void) -> Bool {
    if row.offset < nextOffset {
      report(.trouble(client: "owners", text: "the topic lost its records: everything is announced again"))
      startOver()
    }
    nextOffset = row.offset + 1
    switch row.announcement {
    case .success(let announcement):
      run.read(announcement, at: row.offset)
      switch announcement {
      case .owner(let owner): book.read(owner, at: row.offset)
      case .pod(let pod) where pod.name == run.announcement.name:
        incarnationMax = max(incarnationMax, pod.incarnation)
      default: break
      }
      return snapshot.apply(announcement)
    case .failure(let error):
      if recordsPassedOver == 0 {
        report(.trouble(client: "owners", text: "skipped the record at offset \(row.offset): \(error.reason)"))
      }
      recordsPassedOver += 1
      return false
    }
  }

  /// This pod announces the state of one of its partitions; it knows that at once. Nothing is said after a newer owner.
  /// Returns whether the map changed.
  mutating func announce(_ owner: OwnerAnnouncement) -> Bool {
    if let known = snapshot.owner(of: owner.partition), known.epoch > owner.epoch { return false }
    book.announce(owner)
    return snapshot.apply(.owner(owner))
  }

  /// The pod starts under another incarnation than its record's place would give it.
  mutating func restart(as run: OwnRun) {
    self.run = run
    _ = snapshot.apply(.pod(run.announcement))
  }

  private mutating func startOver() {
    run.forgetWritten()
    book.forgetWritten()
    snapshot = OwnershipSnapshot()
    if !run.isOver { _ = snapshot.apply(.pod(run.announcement)) }
    for owner in book.newest { _ = snapshot.apply(.owner(owner)) }
  }
}
