import Model
import PartitionCore

/// An owner of a partition, or one that believes so: the product's loop, and everything in transit to or from it.
final class Owner {
  let partition: PartitionID
  let epoch: UInt64
  /// Unique in the run.
  let number: Int
  var driver: any PartitionDriver
  /// The log's end when this owner started, or when its zombie ended: it answers no reads until it has applied that
  /// much.
  var replayEnd: Int
  /// What the store held when this owner started.
  let recoveredOffset: Int64
  /// The offset of the next record to deliver.
  var nextOffset: Int
  /// A record was left out: the owner must stop at the next one.
  var hasGap = false
  /// Replaced by another owner without noticing, or about to be.
  var isZombie = false
  /// The store has reported that it was replaced.
  var isFenced = false

  /// Its process, if there are several.
  let pod: Int
  /// The process's configuration when it started.
  let limits: RuleLimits
  /// When its limits were sent, in the world's time, until they have come back; and whether they ever were.
  var limitsSentAt: Int64?
  var hasSentLimits = false
  /// It has released the partition, or died.
  var isGone = false
  /// When `Owned` was last sent, in the world's time; and since when it serves.
  var announcedAt: Int64?
  var servesSince: Int64?
  /// When a tick was sent, by the owner's clock, and the newest tick's number; planted bugs use them.
  var tickSentAt: Int64?
  var newestTick: UInt64 = 0

  /// Records of messages, in the order in which they must reach the log.
  var outbox: [Frame] = []
  /// The position at which the newest message of `outbox` was appended.
  var appendedUpTo = LogPosition.zero
  var replies: [Effects.WithheldReply] = []
  var answers: [Effects.Answer] = []
  var load = LoadPhase.none
  var write = WritePhase.none
  /// Requests that this owner has answered.
  var answered: Set<RequestID> = []

  struct Frame {
    let to: PartitionID
    let record: Record
  }

  enum LoadPhase {
    case none
    case asked([EntityKey])
    /// nil if the load failed.
    case answered([EntityChange]?)
  }

  enum WritePhase {
    case none
    case asked(CheckpointBatch)
    case answered(isWritten: Bool)
  }

  init(
    partition: PartitionID, epoch: UInt64, number: Int, pod: Int, limits: RuleLimits, driver: any PartitionDriver,
    replayEnd: Int
  ) {
    self.partition = partition
    self.epoch = epoch
    self.number = number
    self.pod = pod
    self.limits = limits
    self.driver = driver
    self.replayEnd = replayEnd
    recoveredOffset = driver.appliedOffset
    nextOffset = Int(driver.appliedOffset) + 1
  }

  /// Takes the loop's output: messages as one frame per destination, in order.
  func take(_ effects: Effects, _ keep: (Effects.Outbound) -> Bool) {
    for message in effects.messages where keep(message) {
      if let last = outbox.last, last.to == message.to, last.record.entries.count < 8 {
        outbox[outbox.count - 1] = Frame(to: last.to, record: Record(entries: last.record.entries + [message.entry]))
      } else {
        outbox.append(Frame(to: message.to, record: Record(entries: [message.entry])))
      }
    }
    replies += effects.replies
    answers += effects.answers
  }
}
