import Model
import PartitionCore
import Streams

/// How a process runs its partitions. Every bound of the runtime is named here.
public struct RuntimeOptions: Sendable {
  public var partitioner: Partitioner
  public var laneCount: Int
  public var core = CoreLimits()
  /// The rules its partitions decide under.
  public var rules = RuleLimits.initial
  /// How long a changed entity waits for its checkpoint while fewer than `core.checkpointEntitiesDue` are dirty.
  public var checkpointIntervalMilliseconds: Int64 = 1_000
  /// How often a busy lane looks for due checkpoints: often enough to spread them over their interval.
  public var tickMilliseconds: Int64 = 20
  /// How often an idle lane does.
  public var idleTickMilliseconds: Int64 = 100
  /// Records a lane takes from the log at once.
  public var takeRecordsMax = 4_096
  /// Rounds of taking and applying in one turn of a lane, so that its connections get their turn.
  public var roundsMax = 16
  /// Messages between two lanes that were posted but not taken.
  public var mailboxMessagesMax = 262_144
  /// Reads of one lane that wait for an owner elsewhere.
  public var remoteReadsMax = 65_536
  /// How long such a read is tried; its client has its own deadline.
  public var remoteReadMilliseconds: Int64 = 30_000

  /// The streams of a lane's commands.
  public var stream = StreamLimits()
  /// How long a stream waits to hear from its owner before it asks again where it is.
  public var streamSilenceMilliseconds: Int64 = 5_000
  /// How long an owner may take to say where a stream is before it is asked again. A pod that does not know the
  /// asker's pod yet cannot answer it.
  public var helloMilliseconds: Int64 = 500
  /// How far apart the turns of a lane begin while much is under way, where each append is a request to a broker and
  /// each message to another pod a packet: what arrives in between travels together. The longer the lane has to wait
  /// for a processor, the longer the pause: then work done together is what is saved, and waiting costs little more.
  public var gatherMicroseconds: ClosedRange<UInt64> = 500...12_000
  /// A lane that waits this long for a processor pauses as long; one that waits twice as long, four times as long.
  public var gatherLatenessMicroseconds: UInt64 = 170
  /// How many inputs of a lane's partitions have to be on their way to the log before it gathers.
  public var gatherInputsMin = 3
  /// How long a lane keeps gathering after it had that many.
  public var gatherLastingMilliseconds: UInt64 = 100
  /// How long what nobody waits for, such as acknowledgements, may wait for something else to the same pod.
  public var lazyMilliseconds: UInt64 = 20
  /// Replies that travel to another pod as one message.
  public var messageRepliesMax = 512
  /// How long an owner that its store refuses continues while nobody else announces itself.
  public var fencedMilliseconds: Int64 = 2_000
  /// How long all pods must have known newer rules before the first record under them: several times what an
  /// announcement takes, or a pod needs to deny that it is gone.
  public var rulesSettlingMilliseconds: UInt64 = 10_000
  /// How long a command may wait for its turn: after that its client's deadline has passed.
  public var replyMilliseconds: Int64 = 10_000

  /// How fast old orders are looked for, where the rules remove them.
  public var orderPace = OrderPace()

  public init(partitioner: Partitioner, laneCount: Int) {
    self.partitioner = partitioner
    self.laneCount = laneCount
  }

  /// How far apart turns begin for a lane that waits this long for a processor, in microseconds.
  func gatherMicroseconds(lateness: UInt64) -> UInt64 {
    let (square, overflow) = lateness.multipliedReportingOverflow(by: lateness)
    let wanted = overflow ? .max : square / max(1, gatherLatenessMicroseconds)
    return min(max(wanted, gatherMicroseconds.lowerBound), gatherMicroseconds.upperBound)
  }

  /// A sentence about the first bound that is out of range.
  public var contradiction: String? {
    if !(1...256).contains(laneCount) { return "the number of lanes must be 1…256" }
    if checkpointIntervalMilliseconds < 1 || tickMilliseconds < 1
      || idleTickMilliseconds < 1 || takeRecordsMax < 1 || roundsMax < 1
      || mailboxMessagesMax < 1
      || remoteReadsMax < 1 || remoteReadMilliseconds < 1 || replyMilliseconds < 1
      || streamSilenceMilliseconds < 1 || helloMilliseconds < 1 || messageRepliesMax < 1 || fencedMilliseconds < 1
    {
      return "every bound of the runtime must be at least 1"
    }
    return orderPace.contradiction ?? rules.contradiction ?? stream.contradiction ?? core.contradiction
  }
}
