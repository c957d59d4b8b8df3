import EventLog
import Lanes
import Model
import OwnershipMap
import PartitionCore
import StateStore

// Where partitions change their owners: becoming one, ceasing to be one, and what lanes of different pods tell each
// other.

/// What a lane knows of the other pods.
struct LaneCluster {
  /// A lane of another pod's run.
  struct PeerLane: Hashable {
    let incarnation: UInt64
    let lane: UInt16
  }

  let link: ClusterLink
  /// Who owns what, as of `version` of the map.
  var owners: OwnershipSnapshot
  var version: UInt64
  var reads: RemoteReads
  var outbox: [PeerLane: [PeerMessage]] = [:]
  /// What owners of this lane's places whose time is over append later, by place: the newest one's of each.
  var lateFarewells: [Int: (control: Control, at: Int64)] = [:]
  var unsent: UnsentReplies
  /// The highest incarnation of a pod that is known. Each start has a higher one: a higher one than this will be known.
  private var newestPod: UInt64 = 0

  init(_ link: ClusterLink, readsMax: Int, repliesMax: Int) {
    self.link = link
    version = link.ownership.version
    owners = link.ownership.snapshot()
    reads = RemoteReads(readsMax: readsMax)
    unsent = UnsentReplies(repliesMax: repliesMax)
    newestPod = owners.pods.keys.max() ?? 0
  }

  /// Looks at the map; returns whether it has changed.
  mutating func followMap() -> Bool {
    let newest = link.ownership.version
    guard newest != version else { return false }
    version = newest
    owners = link.ownership.snapshot()
    newestPod = owners.pods.keys.max() ?? 0
    return true
  }

  /// Whether a run of a pod is known, or may be new.
  func isExpected(_ incarnation: UInt64) -> Bool { incarnation > newestPod || owners.pods[incarnation] != nil }

  var hasUnsent: Bool { reads.hasUnsent || !outbox.isEmpty }

  /// The newest owner of a partition, if its pod is known.
  func owner(of partition: PartitionID) -> (incarnation: UInt64, epoch: UInt64)? {
    guard let owner = owners.owner(of: partition), owners.pods[owner.incarnation] != nil else { return nil }
    return (owner.incarnation, owner.epoch)
  }

  mutating func send(_ message: PeerMessage, to incarnation: UInt64, lane: UInt16) {
    outbox[PeerLane(incarnation: incarnation, lane: lane), default: []].append(message)
  }
}

extension LaneRuntime {
  // MARK: Becoming the owner

  /// Makes the lane the owner of a partition that was taken over from the store.
  func adopt(_ takeover: Takeovers.Takeover) {
    let partition = takeover.partition
    guard let link = cluster?.link, drain?.isLeaving != true else { return }
    let offset = takeover.ownership.recovery.header?.offset ?? -1
    let tenure = Tenure(
      epoch: takeover.ownership.epoch, incarnation: shared.incarnation, leaseMilliseconds: link.leaseMilliseconds,
      isFromTheBeginning: offset == -1 && takeover.bounds.first == 0)
    do {
      try shared.log.subscribe(signal, to: [partition: offset])
    } catch {
      shared.takeovers?.failed(partition, error.message)
      return
    }
    var owned = OwnedPartition(
      id: partition,
      actor: PartitionEntrance(of: partition, shared, takeover.ownership.recovery, tenure, on: lane),
      gate: shared.gates[shared.flat(partition)], epoch: takeover.ownership.epoch, offsetAtBoot: offset,
      replayThrough: takeover.bounds.next - 1)
    let interval = UInt64(shared.options.checkpointIntervalMilliseconds)
    let count = UInt64(shared.options.partitioner.count)
    owned.checkpointDueAt = lane.now + interval * (UInt64(partition.index) + 1) / count
    owned.awaitsTime = true
    let known = placeOf[shared.flat(partition)]
    if known >= 0 { places[Int(known)] = owned } else { own(owned) }
    let place = Int(placeOf[shared.flat(partition)])
    if takeover.bounds.next == 0 { appendControl(.rules(version: Rules.current), at: place) }
    appendOwned(at: place)
    setGate(.replaying, at: place)
    note(places[place].actor.standing(), at: place)
  }

  private func appendOwned(at place: Int) {
    guard let link = cluster?.link,
      let owner = Owner(epoch: places[place].epoch, incarnation: shared.incarnation, address: link.address)
    else { return }
    places[place].announcement.appended(lane.now)
    appendControl(.owned(owner), at: place)
  }

  func announce(at place: Int) {
    let owned = places[place]
    let state: OwnerAnnouncement.State
    switch owned.gate.state {
    case .replaying: state = .replaying
    case .open: state = .open
    case .full: state = .full
    case .stopped: state = .stopped
    case .elsewhere: return
    }
    cluster?.link.ownership.announce(
      OwnerAnnouncement(
        partition: owned.id, epoch: owned.epoch, incarnation: shared.incarnation, state: state))
  }

  func noteTenure(_ result: StepResult, at place: Int) {
    places[place].awaitsTime = result.flags.contains(.awaitsTime)
    if !result.flags.contains(.isAnnounced) { places[place].announcement.cameBack() }
  }

  // MARK: Ceasing to be

  /// Ends the owner's time before the log does.
  func stepDown(at place: Int) {
    guard !places[place].isGone else { return }
    perform(places[place].actor.stepDown(), at: place)
  }

  /// The owner's time is over: lets go of the partition. Its commands are the next owner's to answer, and whoever reads
  /// asks that one.
  func gone(at place: Int, _ ending: Takeovers.Ending) {
    let owned = places[place]
    places[place].isGone = true
    places[place].awaitsTime = false
    places[place].isCheckpointTaken = false
    places[place].isWriting = false
    if let farewell = owned.actor.farewell() { appendControl(farewell, at: place) }
    cluster?.lateFarewells[place] = owned.actor.lateFarewell()
    shared.log.unsubscribe([owned.id])
    owned.gate.state = .elsewhere
    for (query, request) in owned.actor.takeReadsToForward() { notMine(query, request) }
    places[place].actor = .gone
    shared.takeovers?.left(owned.id, ending)
  }

  /// Whether this lane owns anything.
  var ownsPartitions: Bool { places.contains { !$0.isGone } }

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
  private func sendUnsent() {
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

  /// Called with each tick.
  func clusterTick(_ now: UInt64) {
    cluster?.reads.expire(now)
    cluster?.reads.retry()
    sendUnsent()
    for place in places.indices where !places[place].isGone {
      if places[place].announcement.isLate(now) { appendOwned(at: place) }
    }
    sayLateFarewells()
  }

  /// Tells successors of owners that answered nothing here that no lease of those before holds any more.
  private func sayLateFarewells() {
    guard let cluster, !cluster.lateFarewells.isEmpty else { return }
    let now = cluster.link.clock()
    for (place, farewell) in cluster.lateFarewells where farewell.at <= now {
      self.cluster?.lateFarewells[place] = nil
      appendControl(farewell.control, at: place)
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
