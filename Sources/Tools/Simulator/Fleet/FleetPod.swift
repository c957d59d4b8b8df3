import Model
import PartitionCore
import Streams
import Tenancy

/// One process of a fleet: it takes clients' commands, and owns partitions.
final class FleetPod {
  let index: Int
  /// Unique to each start.
  let run: UInt64
  let limits: RuleLimits
  /// How far off its wall clock is, in milliseconds.
  var skew: Int64 = 0
  /// It sleeps until then, in the world's time, and notices nothing.
  var pausedUntil: Int64 = 0
  /// By slot.
  var seats: [Seat?]
  /// By slot: its commands to each partition.
  var streams: [StreamSender<StreamInput>]
  /// Number of sessions opened so far, by slot.
  var sessions: [UInt32]
  /// By slot: when its session was last used, in the world's time.
  var usedAt: [Int64]
  /// The believed owner of each partition, and its pod.
  var owners: [(owner: OwnerID, pod: Int)?]
  /// By slot: the highest epoch this process was ever given. A restored store hands out epochs again; given one it
  /// already had, a process would mistake the `Owned` of its earlier tenure for that of the new one.
  var epochs: [UInt64]
  /// By slot: the newest epoch whose owner said that it no longer owns anything.
  var goneEpochs: [UInt64]
  /// The owner to which a hello is in transit, by slot, so that it is not sent twice.
  var greetingsAsked: [OwnerID?]
  /// What was read of ingest logs, and has not reached its partition.
  var ingested: [FleetIngestEvent] = []
  /// Slots that it no longer wants because of a planted bug.
  var givenUp: Set<Int> = []

  init(index: Int, run: UInt64, layout: Layout, limits: RuleLimits, stream: StreamLimits) {
    self.index = index
    self.run = run
    self.limits = limits
    seats = Array(repeating: nil, count: layout.slotCount)
    sessions = Array(repeating: 1, count: layout.slotCount)
    epochs = Array(repeating: 0, count: layout.slotCount)
    goneEpochs = Array(repeating: 0, count: layout.slotCount)
    usedAt = Array(repeating: 0, count: layout.slotCount)
    owners = Array(repeating: nil, count: layout.slotCount)
    greetingsAsked = Array(repeating: nil, count: layout.slotCount)
    streams = layout.partitions.map { partition in
      StreamSender(from: .session(Session(run: run, lane: 0, number: 1)), to: partition, limits: stream)
    }
  }
}

/// A tenure of a pod, and what is in transit for it.
final class Seat {
  var tenancy: any TenancyDriver
  /// When `Owned` was last appended, in the world's time.
  var announcedAt: Int64
  /// The next offset to read: of the replay, or of a read back.
  var nextOffset: Int64
  var isReadingBack = false
  var load = LoadPhase.none
  var write = WritePhase.none
  /// The owner to which a hello is in transit, by destination.
  var greetingsAsked: [PartitionID: OwnerID] = [:]
  /// Whether its final stop was noted.
  var isStopNoted = false
  var stoppedAt: UInt64 = 0
  /// A record of the log never reaches it: it has to stop.
  var hasGap = false
  /// The offset of that record, until it has been left out.
  var leftOut: Int64?
  /// Replies may not have reached their pods.
  var repliesLost = false
  /// How far its ingest log was read; nil before that begins.
  var ingest: FleetIngestReading?
  /// It takes no more of its ingest log.
  var isIngestLeft = false
  /// Refusals of commands from the ingest log that are to be written down, and those written of which the tenure has
  /// not heard.
  var refusals: [CommandReply] = []
  var reported: [RequestID] = []
  /// Whether the other pods were notified of the owner.
  var isAnnounced = false

  enum LoadPhase {
    case none
    case asked([EntityKey])
    /// The store has read the rows, and they are in transit; nil if the store refused.
    case answered([EntityChange]?)

    var isNone: Bool { if case .none = self { true } else { false } }
  }

  enum WritePhase {
    case none
    case asked(CheckpointBatch)
  }

  init(_ tenancy: any TenancyDriver, announcedAt: Int64, nextOffset: Int64) {
    self.tenancy = tenancy
    self.announcedAt = announcedAt
    self.nextOffset = nextOffset
  }
}

/// What pods send each other: each pair has two ordered streams (`asksForWork`) until the connection breaks, which
/// loses the rest.
enum Packet {
  case owned(OwnerID, Int, pod: Int)
  case released(OwnerID, Int, to: OwnerID)
  /// Asks the owner of a slot where a stream is.
  case hello(StreamSource, Int, OwnerID, asker: UInt64)
  case greeting(StreamGreeting)
  case commands(StreamFrame<StreamInput>)
  case messages(StreamFrame<Message>)
  case acknowledgement(StreamAcknowledgement)
  case gap(StreamGap)
  /// The slot no longer belongs to that owner.
  case notMine(Int, OwnerID)
  case reply(CommandReply, Int, OwnerID)
  case replyReceived(RequestID, Int, OwnerID)
  case read(Query, RequestID)
  case answer(RequestID, View)
  case readRefused(Query, RequestID)

  /// Whether it makes the receiver work, as with `MeshMessage`.
  var asksForWork: Bool {
    switch self {
    case .hello, .commands, .read: true
    default: false
    }
  }
}
