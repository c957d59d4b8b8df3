import Model
import OwnershipMap
import PartitionCore
import Streams

/// An owner that was asked where a stream stands, and when, by the lane's clock.
struct AskedOwner {
  let owner: OwnerID
  let at: UInt64
}

/// What a lane of one pod among several knows of the others. Lane-confined.
final class LanePods {
  /// A lane of another pod's run.
  struct PodLane: Hashable {
    let run: UInt64
    /// Taken modulo the lanes of that pod.
    let lane: UInt16
  }

  /// The commands of this lane to one partition.
  struct CommandStream {
    var sender: StreamSender<StreamInput>
    /// Counts the lane's sessions with the partition, from 1.
    var session: UInt32 = 1
    /// When something was last sent, and when its owner last said something about it.
    var usedAt: Int64 = 0
    var heardAt: Int64 = 0
    /// The owner that was asked where the stream stands.
    var asked: AskedOwner?
    /// It is in the list of what to send.
    var isToSend = false
  }

  let link: PodLink
  /// Who owns what and which pods there are, as of `version` of the map.
  private(set) var map: OwnershipSnapshot
  private var version: UInt64
  /// The highest known run. Each start of a pod has a higher one: a run above this may be new.
  private var newestRun: UInt64 = 0

  /// By `OwnerShared.flat`: the newest epoch whose owner said that it no longer owns anything.
  var goneEpochs: [UInt64]
  /// By `OwnerShared.flat`: since when nobody is known to own the partition, by the lane's clock.
  var ownerlessSince: [UInt64?]
  /// By `OwnerShared.flat`.
  var streams: [CommandStream]
  /// The slots of streams that may have something to send.
  var toSend: [Int] = []
  var reads: AskedReads
  /// What waits for the end of the turn, or, if nobody waits for any of it, a little longer; by run and lane.
  private var outbox: [UInt64: [UInt16: [MeshMessage]]] = [:]
  /// The runs that somebody says something urgent to.
  private var urgent: Set<UInt64> = []
  /// When what is not urgent goes out at the latest, by the lane's clock.
  private var lazyDueAt: UInt64 = 0
  /// Since when replies may have failed to reach their pods, by the clock of `PodLink`.
  var repliesLostAt: Int64?

  init(_ link: PodLink, run: UInt64, lane: Int, partitions: [PartitionID], limits: StreamLimits, readsMax: Int) {
    self.link = link
    version = link.ownership.version
    map = link.ownership.snapshot()
    newestRun = map.pods.keys.max() ?? 0
    goneEpochs = Array(repeating: 0, count: partitions.count)
    ownerlessSince = Array(repeating: nil, count: partitions.count)
    streams = partitions.map { partition in
      let session = Session(run: run, lane: UInt16(lane), number: 1)
      return CommandStream(sender: StreamSender(from: .session(session), to: partition, limits: limits))
    }
    reads = AskedReads(readsMax: readsMax)
  }

  /// Checks the map; returns whether it has changed.
  func followMap() -> Bool {
    let newest = link.ownership.version
    guard newest != version else { return false }
    version = newest
    map = link.ownership.snapshot()
    newestRun = max(newestRun, map.pods.keys.max() ?? 0)
    return true
  }

  /// Whether a run of a pod has ended, so that nobody there waits for anything.
  func isGone(_ run: UInt64) -> Bool { run <= newestRun && map.pods[run] == nil }

  var hasUnsent: Bool { !toSend.isEmpty || !urgent.isEmpty || reads.hasUnsent }

  func put(_ message: MeshMessage, to: PodLane) {
    outbox[to.run, default: [:]][to.lane, default: []].append(message)
    if !message.isLazy { urgent.insert(to.run) }
  }

  /// Takes what is to be sent now. Nobody waits for an acknowledgement or a commit: these travel with what is said to
  /// the same pod anyway, or every `lazyMilliseconds`.
  func takeOutbox(at now: UInt64, lazyMilliseconds: UInt64) -> [(PodLane, [MeshMessage])] {
    if now >= lazyDueAt {
      lazyDueAt = now + lazyMilliseconds
      urgent.formUnion(outbox.keys)
    }
    guard !urgent.isEmpty else { return [] }
    var taken: [(PodLane, [MeshMessage])] = []
    for run in urgent {
      for (lane, messages) in outbox.removeValue(forKey: run) ?? [:] {
        taken.append((PodLane(run: run, lane: lane), messages))
      }
    }
    urgent.removeAll(keepingCapacity: true)
    return taken
  }

  func markToSend(_ flat: Int) {
    guard !streams[flat].isToSend, !streams[flat].sender.isEmpty else { return }
    streams[flat].isToSend = true
    toSend.append(flat)
  }
}
