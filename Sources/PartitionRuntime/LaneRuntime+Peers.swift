import Lanes
import Model
import OwnershipMap
import PartitionCore

// What lanes of different pods tell each other: answers, reads, and who owns what.

extension LaneRuntime {
  // MARK: Requests whose owner is elsewhere

  /// Refuses a command whose owner is known to take none.
  func checkOwner(of partition: PartitionID) throws(RequestRefusal) {
    switch cluster?.owners.owner(of: partition)?.state {
    case .full: throw .overloaded
    case .stopped: throw .partitionStopped(partition)
    default: break
    }
  }

  func askElsewhere(_ query: Query, _ partition: PartitionID, number: UInt64) throws(RequestRefusal) {
    let until = lane.now + UInt64(shared.options.remoteReadMilliseconds)
    guard cluster?.reads.add(number, query, partition, until: until) == true else { throw .overloaded }
  }

  /// A read came to a lane that does not own its partition (any more).
  func notMine(_ query: Query, _ request: RequestID) {
    if request.incarnation == shared.incarnation {
      post(.forward(query, request), to: request.lane)
    } else {
      let epoch = cluster?.owners.owner(of: query.partition(by: partitioner))?.epoch ?? 0
      cluster?.send(.notMine(request, epoch: epoch), to: request.incarnation, lane: request.lane)
    }
  }

  func forward(_ query: Query, for request: RequestID) {
    do throws(RequestRefusal) {
      try askElsewhere(query, query.partition(by: partitioner), number: request.number)
    } catch {
      client?.finished(request.number, .refused(error))
    }
  }

  // MARK: Peers

  /// Takes what other pods sent, and looks at the map when it has changed.
  func takePeers() {
    guard let link = cluster?.link else { return }
    if cluster?.followMap() == true {
      if let cluster { self.cluster?.reads.ownersChanged { cluster.owner(of: $0) } }
      sendUnsent()
    }
    for delivery in link.peers.take(lane: index) { receive(delivery) }
  }

  private func receive(_ delivery: PeerDelivery) {
    switch delivery.message {
    case .outcome(let request, let outcome, let isReplayed):
      finished(request, .outcome(outcome, isReplayed: isReplayed))
    case .view(let request, let view): finished(request, .view(view))
    case .refused(let request, let refusal): finished(request, .refused(RequestRefusal(refusal)))
    case .notMine(let request, _):
      if isOwn(request) { cluster?.reads.putBack(request.number) }
    case .ask(let request, let query):
      guard request.incarnation == delivery.incarnation else { return }
      let lane = shared.laneOf(query.partition(by: partitioner))
      if lane == index { read(query, for: request) } else { post(.read(query, request), to: lane) }
    }
  }

  private func isOwn(_ request: RequestID) -> Bool {
    request.incarnation == shared.incarnation && request.lane == index
  }

  private func finished(_ request: RequestID, _ result: RequestResult) {
    guard isOwn(request) else { return }
    cluster?.reads.remove(request.number)
    client?.finished(request.number, result)
  }

  /// Tells another pod what became of its request.
  func tellPeer(_ request: RequestID, _ result: RequestResult) {
    let message: PeerMessage =
      switch result {
      case .outcome(let outcome, let isReplayed): .outcome(request, outcome, isReplayed: isReplayed)
      case .view(let view): .view(request, view)
      case .refused(let refusal): .refused(request, PeerRefusal(refusal))
      }
    cluster?.send(message, to: request.incarnation, lane: request.lane)
  }

  /// Sends reads to their owners, and everything that the turn had for other pods.
  func sendToPeers() {
    guard cluster?.hasUnsent == true, let link = cluster?.link else { return }
    sendReads()
    let outbox = cluster?.outbox ?? [:]
    cluster?.outbox.removeAll(keepingCapacity: true)
    for (peer, messages) in outbox where !link.peers.send(messages, to: peer.incarnation, lane: peer.lane) {
      var lost = 0
      for message in messages {
        if case .ask(let request, _) = message {
          cluster?.reads.putBack(request.number)
        } else if cluster?.isExpected(peer.incarnation) == true {
          let until = lane.now + UInt64(clamping: shared.options.replyMilliseconds)
          lost += cluster?.unsent.add(message, to: peer, until: until) ?? 0
        } else {
          lost += 1
        }
      }
      // Whoever waits there hears by its own deadline, and most often it is gone.
      if lost > 0 { shared.peerRefused(lost) }
    }
  }

  /// Tries again to send what could not be queued.
  func sendUnsent() {
    guard let cluster, !cluster.unsent.isEmpty else { return }
    let lost = self.cluster?.unsent.retry(
      at: lane.now, isExpected: { cluster.isExpected($0) },
      send: { peer, messages in cluster.link.peers.send(messages, to: peer.incarnation, lane: peer.lane) })
    if let lost, lost > 0 { shared.peerRefused(lost) }
  }

  // A checkpoint covers no command whose reply may still get lost with this pod: the next owner would not send it
  // again.

  /// Notes for checkpoints that were taken what has to arrive before them.
  func markCheckpoints() {
    for place in places.indices where places[place].isCheckpointTaken && places[place].repliesBefore == nil {
      guard let cluster else { return }
      // What could not be queued yet has no place in what was sent.
      let unsent = places[place].unsentBefore ?? cluster.unsent.newest
      places[place].unsentBefore = unsent
      if cluster.unsent.areGone(through: unsent) { places[place].repliesBefore = cluster.link.peers.mark() }
    }
  }

  func repliesHaveArrived(at place: Int) -> Bool {
    guard let mark = places[place].repliesBefore, let cluster else { return false }
    return cluster.link.peers.hasArrived(mark, within: UInt64(clamping: shared.options.replyMilliseconds))
  }

  private func sendReads() {
    guard let cluster, cluster.reads.hasUnsent else { return }
    let sendings = self.cluster?.reads.takeSendable { [shared] partition in
      // It may have come here meanwhile.
      if shared.gates[shared.flat(partition)].state != .elsewhere { return (shared.incarnation, 0) }
      let owner = cluster.owner(of: partition)
      return owner?.incarnation == shared.incarnation ? nil : owner
    }
    for sending in sendings ?? [] {
      let request = RequestID(incarnation: shared.incarnation, lane: index, number: sending.number)
      if sending.incarnation == shared.incarnation {
        self.cluster?.reads.remove(sending.number)
        let owner = shared.laneOf(sending.partition)
        if owner == index { read(sending.query, for: request) } else { post(.read(sending.query, request), to: owner) }
      } else {
        // Lanes of all pods share partitions out by the same rule; the receiver takes the number modulo its lanes.
        self.cluster?.send(
          .ask(request, sending.query), to: sending.incarnation, lane: sending.partition.index)
      }
    }
  }
}

extension RequestRefusal {
  init(_ refusal: PeerRefusal) {
    self =
      switch refusal {
      case .overloaded: .overloaded
      case .stopping: .stopping
      case .starting: .starting
      case .partitionStopped(let partition): .partitionStopped(partition)
      case .logFailed: .logFailed
      case .outcomeUnknown: .outcomeUnknown
      }
  }
}

extension PeerRefusal {
  init(_ refusal: RequestRefusal) {
    self =
      switch refusal {
      case .overloaded: .overloaded
      case .stopping: .stopping
      case .starting: .starting
      case .partitionStopped(let partition): .partitionStopped(partition)
      case .logFailed: .logFailed
      case .outcomeUnknown: .outcomeUnknown
      }
  }
}
