import Model

// Where partitions change owners: what an owner holds back, and how its time ends.

extension PartitionLoop {
  /// Whether the owner's clock matters now: something is held back, or a read waits for a lease.
  public var awaitsTime: Bool {
    guard let tenure, status == .running else { return false }
    return !tenure.mayReveal || !waitingReads.isEmpty
  }

  /// Passes the time by the owner's clock; answers what may be answered now. Due after every step and load while
  /// `awaitsTime`, and now and then.
  public mutating func pass(_ now: Int64, into effects: inout Effects) {
    guard tenure != nil, status == .running else { return }
    tenure?.pass(now)
    revealHeld(into: &effects)
    if !waitingReads.isEmpty, mayRead(now) { answerWaiting(now, into: &effects) }
  }

  /// A tick to append now, because a read waits for a lease or may soon.
  public mutating func tickToAppend(_ now: Int64) -> Control? {
    guard status == .running, let epoch = tenure?.epoch, let number = tenure?.tickToSend(now) else { return nil }
    return .tick(epoch: epoch, number: number)
  }

  /// Holds back the replies of a step, from a place on, until the predecessor stops answering; if there are too many,
  /// the oldest are given up, as their clients have waited longest.
  mutating func holdBack(from first: Int, of effects: inout Effects) {
    guard let tenure else { return }
    guard !tenure.mayReveal else { return revealHeld(into: &effects) }
    held += effects.replies[first...]
    effects.replies.removeSubrange(first...)
    guard held.count > limits.heldRepliesMax else { return }
    held.removeFirst(held.count - limits.heldRepliesMax)
  }

  private mutating func revealHeld(into effects: inout Effects) {
    guard !held.isEmpty, tenure?.mayReveal == true else { return }
    // A client gets one reply; which of a request's replies comes first does not matter, as both say the same.
    effects.replies += held
    held = []
  }

  /// Ends the owner's time before the log does: the store refused it, because another owner acquired the partition,
  /// or it leaves and no successor came. Then the next owner need not wait for what it would read later.
  public mutating func stepDown() {
    guard status == .running || isStopped, let epoch = tenure?.epoch else { return }
    status = .superseded(offset: appliedOffset, by: epoch + 1)
    held = []
  }

  /// A stopped partition applies nothing more, but still sees that another owner has it.
  mutating func lookForSuccessor(in delivery: Delivery, from entry: Int = 0) {
    guard isStopped, tenure != nil, case .record(let record) = delivery.content else { return }
    for entry in record.entries.dropFirst(entry) {
      guard case .control(let control) = entry.body else { continue }
      tenure?.read(control)
      if case .superseded(let epoch) = tenure?.phase {
        status = .superseded(offset: delivery.offset, by: epoch)
        return
      }
    }
  }

  private var isStopped: Bool { if case .stopped = status { true } else { false } }

  /// What the owner appends when its time is over, unless it never answered anything.
  public var farewell: Control? {
    guard let tenure, tenure.hasServed else { return nil }
    switch status {
    case .superseded, .broken: return .released(epoch: tenure.epoch)
    case .running, .stopped: return nil
    }
  }

  /// What an owner whose time is over appends later, if it never answered anything and its own predecessor's lease
  /// is over; and when that is, by the owner's clock.
  public var lateFarewell: (control: Control, at: Int64)? {
    guard let tenure, let at = tenure.knowsReleasedAt, case .superseded(_, by: let next) = status, next > tenure.epoch
    else { return nil }
    return (.released(epoch: tenure.epoch), at)
  }
}
