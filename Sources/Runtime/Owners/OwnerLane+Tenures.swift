import Ports
import Lanes
import Model
import PartitionCore
import Streams
import Tenancy

// Where partitions change owners: becoming one, and ceasing to be one.

extension OwnerLane {
  /// Makes the lane the owner of a partition that was taken over from the store.
  func adopt(_ takeover: Takeovers.Takeover) {
    guard drain?.isLeaving != true else { return }
    let partition = takeover.partition
    let place = own(partition, takeover.ownership)
    let interval = UInt64(shared.options.checkpointIntervalMilliseconds)
    seats[place].checkpointClock = CheckpointClock(
      from: lane.now, every: interval, share: Int(partition.index), of: partitioner.count)
    seats[place].gate.state = .replaying
    // An invalid checkpoint has already ended its owner.
    change(at: place) { $0.standing(&$1) }
  }

  /// Announces a partition's state to all pods through the map.
  func announceState(at place: Int) {
    let state: OwnerAnnouncement.State
    switch seats[place].gate.state {
    case .replaying: state = .replaying
    case .open: state = .open
    case .full: state = .full
    case .stopped: state = .stopped
    case .elsewhere: return
    }
    pods?.link.ownership.announce(
      OwnerAnnouncement(
        partition: seats[place].id, epoch: seats[place].owner.epoch, incarnation: shared.run, state: state))
  }

  /// Announces directly to all pods that an owner takes streams, so that nobody waits for the map.
  func announceToPods(at place: Int) {
    guard let pods else { return }
    for run in pods.map.pods.keys where run != shared.run {
      send(.owns(seats[place].owner, seats[place].id), run, lane: 0)
    }
  }

  /// Called with each tick.
  func tendTenure(at place: Int) {
    readAgain(at: place)
    if seats[place].ownedOffset == nil, seats[place].readAgainAt == nil,
      lane.now - seats[place].announcedAt > UInt64(clamping: shared.options.streamSilenceMilliseconds)
    {
      announce(at: place)
    }
    let now = now
    if !seats[place].isGone, seats[place].isWaiting { change(at: place) { $0.pass(now, &$1) } }
    guard !seats[place].isGone, let fencedAt = seats[place].fencedAt,
      lane.now - fencedAt > UInt64(clamping: shared.options.fencedMilliseconds)
    else { return }
    change(at: place) { $0.fenced(.fenced, &$1) }
  }

  /// The store refuses the owner. A newer one that has only acquired the partition answers nothing yet: this one
  /// continues until the log says whose it is, or nobody says anything for a while. From a store that was set back
  /// everything has to be read again.
  func noteRefusal(_ failure: StoreFailure, at place: Int) {
    guard pods != nil, !seats[place].isGone else { return }
    switch failure.code {
    case .fenced: seats[place].fencedAt = seats[place].fencedAt ?? lane.now
    case .setBack: change(at: place) { $0.fenced(.setBack, &$1) }
    default: break
    }
  }

  /// The owner's time is over: gives up the partition. The next owner answers its commands, and readers ask that one.
  func gone(at place: Int, _ ending: Takeovers.Ending) {
    guard !seats[place].isGone else { return }
    letGo(place)
    leave(place)
    shared.takeovers?.left(seats[place].id, ending)
  }

  /// Informs the lanes of this pod that it no longer owns a partition.
  func letGo(_ place: Int) {
    let (partition, owner) = (seats[place].id, seats[place].owner)
    shared.sharedLog?.leave(partition, by: index)
    seats[place].gate.state = .elsewhere
    for other in 0..<shared.options.laneCount { post(.pod(.notMine(partition, owner)), toLane: other) }
  }
}
