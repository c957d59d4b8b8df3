import Model

/// This run of the pod as the topic has it, and whether it must be announced again: otherwise an older run's last
/// words, or a topic that lost its records, would remove it from everybody's map.
struct OwnRun: Sendable {
  let announcement: PodAnnouncement
  /// The newest record about this run; -1 if none is left.
  private var writtenAt: Int64
  /// The newest record that denies it: an older run's, or that the pod has left.
  private var deniedAt: Int64 = -1
  private var isUnderWay = false
  /// A newer run of the name exists: nothing is left to say.
  private(set) var isOver = false

  init(_ announcement: PodAnnouncement, writtenAt offset: Int64) {
    self.announcement = announcement
    writtenAt = offset
  }

  /// The topic reports a pod, or that one has left.
  mutating func read(_ announcement: Announcement, at offset: Int64) {
    switch announcement {
    case .pod(let pod) where pod.name == self.announcement.name:
      if pod.incarnation > self.announcement.incarnation {
        isOver = true
      } else if pod.incarnation == self.announcement.incarnation {
        writtenAt = max(writtenAt, offset)
      } else {
        deniedAt = max(deniedAt, offset)
      }
    case .podLeft(let name) where name == self.announcement.name:
      deniedAt = max(deniedAt, offset)
    default: break
    }
  }

  /// The topic lost what it had.
  mutating func forgetWritten() {
    writtenAt = -1
    deniedAt = -1
  }

  /// Whether it must be announced again now; it is then on its way until reported on.
  mutating func takeSendable() -> Bool {
    guard !isOver, !isUnderWay, deniedAt >= writtenAt else { return false }
    isUnderWay = true
    return true
  }

  /// - Parameter offset: nil if it was not written.
  mutating func reported(offset: Int64?) {
    isUnderWay = false
    if let offset { writtenAt = max(writtenAt, offset) }
  }
}
