import Model
import Ports
import PartitionCore
import Streams

/// An owner that was asked where a stream is, and when, by the lane's clock.
struct AskedOwner {
  let owner: OwnerID
  let at: UInt64
}

/// What a lane of one pod among several knows of the others. Lane-confined.
final class LanePods {
  /// The commands of this lane to one partition.
  struct CommandStream {
    var sender: StreamSender<StreamInput>
    /// Counts the lane's sessions with the partition, from 1.
    var session: UInt32 = 1
    /// When something was last sent, and when its owner last said anything about it.
    var usedAt: Int64 = 0
    var heardAt: Int64 = 0
    /// When its owner's log last took something of it, or when it last began to hold anything.
    var movedAt: Int64 = 0
    /// The owner that was asked where the stream is.
    var asked: AskedOwner?
    /// Whether it is in the list of what to send.
    var isToSend = false
  }

  let link: PodLink
  /// Who owns what and which pods exist, as of `version` of the map.
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
  var outbox = PodOutbox()
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

  var hasUnsent: Bool { !toSend.isEmpty || outbox.isUrgent || reads.hasUnsent }

  func markToSend(_ flat: Int) {
    guard !streams[flat].isToSend, !streams[flat].sender.isEmpty else { return }
    streams[flat].isToSend = true
    toSend.append(flat)
  }
}
