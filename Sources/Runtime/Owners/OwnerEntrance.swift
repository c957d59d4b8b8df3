import Lanes
import Model
import Orders
import PartitionCore
import Payments
import Stock
import Streams
import Tenancy

/// A partition's actor as its lane sees it, whatever its service. Every call is made on the lane.
///
/// A class, so that calling one of its closures touches one reference. Closures instead of a protocol: the compiler
/// writes a generic actor's witnesses once for all services, and each of their calls would then look types up and copy
/// state at run time. What is captured here is compiled for its service.
final class OwnerEntrance: Sendable {
  /// Takes what has reached the partition, and continues with what is queued.
  let step:
    @Sendable (
      borrowing [TenancyInput], _ time: Timestamp, _ now: Int64, inout TenancyActions
    ) -> TenancyStanding
  /// Its state, without doing anything.
  let standing: @Sendable (inout TenancyActions) -> TenancyStanding

  // The log, while the partition replays it.
  let deliver: @Sendable (LogRecord, _ offset: Int64) -> Void
  let deliverUndecodable: @Sendable (_ reason: String, _ offset: Int64) -> Void

  // Its own messages, if they are not sent immediately.
  let destinations: @Sendable () -> [PartitionID]
  let awaitsGreeting: @Sendable (PartitionID, OwnerID) -> Bool
  let nextFrame: @Sendable (PartitionID) -> StreamFrame<Message>?

  // The ingest log.
  let ingestedNumber: @Sendable () -> UInt64
  /// Whether something of it is queued.
  let hasIngested: @Sendable () -> Bool
  let dropIngested: @Sendable () -> Void

  // The other pods.
  let repliesReceived: @Sendable ([RequestID]) -> Void
  /// Passes the current time by the owner's clock.
  let pass: @Sendable (_ now: Int64, inout TenancyActions) -> TenancyStanding
  /// The store refused the owner.
  let fenced: @Sendable (Loss, inout TenancyActions) -> TenancyStanding

  /// The answer to a read, if it can be given immediately.
  let look: @Sendable (Query, _ now: Int64) -> View?

  // The store.
  let loaded: @Sendable ([EntityChange], _ now: Int64, inout TenancyActions) -> TenancyStanding
  let loadFailed: @Sendable (inout TenancyActions) -> TenancyStanding
  let takeCheckpoint: @Sendable () -> Bool
  let checkpointToWrite: @Sendable () -> CheckpointBatch?
  let checkpointEnded: @Sendable (_ isWritten: Bool) -> Void

  // Old orders.
  /// How long the partition retains orders, in milliseconds, if its owner is to look for old ones; nil if it is not.
  let orderRetention: @Sendable () -> Int64?
  /// Whether it would take a sweep now: none is in hand, and there is little else to do.
  let takesSweep: @Sendable () -> Bool
  /// Whether a sweep is in hand.
  let hasSweep: @Sendable () -> Bool
  let sweep: @Sendable ([OrderID], inout TenancyActions) -> TenancyStanding

  // The end.
  let leave: @Sendable (inout TenancyActions) -> TenancyStanding
  let ending: @Sendable () -> TenancyEnd?
  let takeAbandoned: @Sendable () -> AbandonedRequests
  /// Gives up the reads that are still unanswered.
  let takeUnanswered: @Sendable () -> [RequestID]
  /// Whether nothing is queued or under way.
  let isIdle: @Sendable () -> Bool
  let isBehind: @Sendable () -> Bool
  /// When the oldest record that the log has not confirmed was appended, by the owner's clock.
  let unconfirmedSince: @Sendable () -> Int64?
  let state: @Sendable () -> OwnerState

  init<Machine>(_ actor: OwnerActor<Machine>) {
    step = { actor.step(taking: $0, at: $1, now: $2, &$3) }
    standing = { actor.change(&$0) { _, _ in } }
    deliver = { record, offset in actor.mutate { $0.deliver(record, at: offset) } }
    deliverUndecodable = { reason, offset in actor.mutate { $0.deliverUndecodable(reason, at: offset) } }
    destinations = { actor.mutate { $0.destinations } }
    awaitsGreeting = { destination, owner in actor.mutate { $0.awaitsGreeting(from: destination, of: owner) } }
    nextFrame = { destination in actor.mutate { $0.nextFrame(to: destination) } }
    ingestedNumber = { actor.mutate { $0.ingestedNumber } }
    hasIngested = { actor.mutate { $0.hasIngested } }
    dropIngested = { actor.mutate { $0.dropIngested() } }
    repliesReceived = { requests in actor.mutate { for request in requests { $0.replyReceived(request) } } }
    pass = { now, actions in actor.change(&actions) { $0.pass(now, into: &$1) } }
    fenced = { loss, actions in actor.change(&actions) { tenancy, _ in tenancy.fenced(loss) } }
    look = { query, now in actor.mutate { $0.look(query, at: now) } }
    loaded = { rows, now, actions in actor.change(&actions) { $0.loaded(rows, at: now, into: &$1) } }
    loadFailed = {
      actor.change(&$0) { tenancy, actions in
        tenancy.loadFailed()
        actions.loads += tenancy.keysToLoad()
      }
    }
    takeCheckpoint = { actor.mutate { $0.takeCheckpoint() } }
    checkpointToWrite = { actor.mutate { $0.checkpointToWrite() } }
    checkpointEnded = { actor.checkpointEnded(isWritten: $0) }
    orderRetention = { actor.orderRetention() }
    takesSweep = { actor.mutate { $0.takesSweep } }
    hasSweep = { actor.mutate { $0.hasSweep } }
    sweep = { orders, actions in actor.change(&actions) { tenancy, _ in _ = tenancy.sweep(orders) } }
    leave = { actor.change(&$0) { tenancy, _ in tenancy.leave() } }
    ending = { actor.mutate { $0.ending } }
    takeAbandoned = { actor.mutate { $0.takeAbandoned() } }
    takeUnanswered = { actor.mutate { $0.takeUnanswered() } }
    isIdle = { actor.mutate { $0.queuedCount == 0 && $0.unconfirmedCount == 0 } }
    isBehind = { actor.mutate { $0.isBehind } }
    unconfirmedSince = { actor.mutate { $0.unconfirmedSince } }
    state = { actor.state }
  }

  /// The actor of a partition, with the machine of its service.
  convenience init(
    of partition: PartitionID, _ owner: OwnerID, _ shared: OwnerShared, _ recovery: Recovery, on lane: Lane
  ) {
    switch partition.service {
    case .orders: self.init(OwnerActor<OrdersMachine>(partition, owner, shared, recovery, on: lane))
    case .stock: self.init(OwnerActor<StockMachine>(partition, owner, shared, recovery, on: lane))
    case .payments: self.init(OwnerActor<PaymentsMachine>(partition, owner, shared, recovery, on: lane))
    }
  }
}
