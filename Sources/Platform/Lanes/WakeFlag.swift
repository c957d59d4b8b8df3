import Synchronization

/// Whether a lane sleeps, and whether it must look again before it does.
///
/// A lane is woken through its loop's eventfd, which costs two system calls. So only the first `wake` of a sleep pays
/// for it: a wake-up while the lane works only marks it, and the lane checks the mark before it sleeps.
///
///     working ──wake──► notified ──work──► working          no system call
///     working ──sleep──► sleeping ──wake──► notified         one system call
///
/// Every change is an exchange of one atomic, so what a thread wrote before `wake` is seen by the lane after the
/// `work` that follows: no wake-up is lost.
struct WakeFlag: ~Copyable {
  private enum State {
    static let working: UInt8 = 0
    static let notified: UInt8 = 1
    static let sleeping: UInt8 = 2
    static let ended: UInt8 = 3
  }

  private let state = Atomic<UInt8>(State.notified)
  /// Threads that may be about to send.
  private let senders = Atomic<Int>(0)

  /// Marks the lane; runs `send` if it sleeps and nobody has woken it yet. From any thread.
  func wake(_ send: () -> Void) {
    var seen = state.load(ordering: .relaxed)
    while seen != State.ended {
      let isAsleep = seen == State.sleeping
      if isAsleep { senders.add(1, ordering: .sequentiallyConsistent) }
      let (isDone, now) = state.compareExchange(
        expected: seen, desired: State.notified, ordering: .sequentiallyConsistent)
      if isAsleep {
        if isDone { send() }
        senders.subtract(1, ordering: .sequentiallyConsistent)
      }
      if isDone { return }
      seen = now
    }
  }

  /// On the lane: may it sleep? Then the next `wake` sends.
  func sleep() -> Bool {
    state.compareExchange(
      expected: State.working, desired: State.sleeping, ordering: .sequentiallyConsistent
    ).exchanged
  }

  /// On the lane: takes the mark; what was written before any earlier `wake` can be seen now.
  func work() { _ = state.exchange(State.working, ordering: .sequentiallyConsistent) }

  /// On the lane, woken by its loop: it will look at everything before it sleeps again, so nobody need send.
  func awaken() { _ = state.exchange(State.notified, ordering: .sequentiallyConsistent) }

  /// On the lane: no `wake` sends once this has returned.
  func end() {
    _ = state.exchange(State.ended, ordering: .sequentiallyConsistent)
    // A sender that saw the lane asleep is within one system call of leaving.
    while senders.load(ordering: .sequentiallyConsistent) != 0 {}
  }
}
