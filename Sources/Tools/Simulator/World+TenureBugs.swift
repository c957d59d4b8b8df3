import Model
import PartitionCore

// Where the world plants its bug in what an owner gets from the log, the clock and the store.

extension World {
  /// The owner's clock.
  func clock(of owner: Owner) -> Int64 {
    guard isCluster else { return 0 }
    // A clock that stops once a lease is asked for: no lease ever ends.
    if bug == .leaseNotChecked, let since = owner.tickSentAt { return since }
    return pods.clock(of: owner.pod)
  }

  func nextTick(of owner: Owner, _ now: Int64) -> Control? {
    if bug == .leaseFromReturn {
      // The tick is sent without the owner's knowledge: `presented` reports it when it comes back.
      var ahead = owner.driver.tenure
      guard let number = ahead?.tickToSend(now) else { return nil }
      if let sentAt = owner.tickSentAt, now - sentAt < swarm.announcedAgainMilliseconds { return nil }
      owner.tickSentAt = now
      return .tick(epoch: owner.epoch, number: number)
    }
    guard let tick = owner.driver.tickToAppend(now) else { return nil }
    owner.tickSentAt = owner.tickSentAt ?? now
    if case .tick(_, let number) = tick { owner.newestTick = number }
    return tick
  }

  /// A control as its owner reads it: unchanged without a planted bug.
  func presented(_ control: Control, to owner: Owner) -> Control {
    switch (bug, control) {
    case (.supersededGoesOn, .owned(let other)) where other.epoch > owner.epoch:
      return .tick(epoch: other.epoch, number: 0)
    // Pretends that there was no earlier owner.
    case (.noHoldBack, .owned(let other)) where other.epoch < owner.epoch,
      (.checkpointOfHeld, .owned(let other)) where other.epoch < owner.epoch:
      return .tick(epoch: other.epoch, number: 0)
    case (.ownedNotCompared, .owned):
      let mistaken = Model.Owner(epoch: owner.epoch, incarnation: UInt64(owner.number), address: "pod:1")
      return mistaken.map(Control.owned) ?? control
    case (.staleTickAccepted, .tick): return .tick(epoch: owner.epoch, number: owner.newestTick)
    case (.leaseFromReturn, .tick(owner.epoch, _)):
      owner.tickSentAt = nil
      return owner.driver.tickToAppend(pods.clock(of: owner.pod)) ?? control
    default: return control
    }
  }

  /// Whether an owner's answers leave: always, unless a planted bug holds them back without the core knowing.
  func mayReveal(_ owner: Owner) -> Bool {
    guard bug == .checkpointOfHeld, let cluster = swarm.cluster else { return true }
    // Long enough for the slowest clock.
    return owner.servesSince.map { pods.time - $0 > cluster.leaseMilliseconds * 5 / 4 } ?? false
  }
}
