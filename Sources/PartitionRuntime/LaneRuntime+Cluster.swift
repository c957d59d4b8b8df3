import EventLog
import Lanes
import Model
import OwnershipMap
import PartitionCore
import StateStore

// Where partitions change their owners: becoming one, and ceasing to be one.

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
    owned.checkpointClock = CheckpointClock(
      from: lane.now, every: UInt64(shared.options.checkpointIntervalMilliseconds), share: Int(partition.index),
      of: Int(shared.options.partitioner.count))
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
