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
/// Closures instead of a protocol: the compiler writes a generic actor's witnesses once for all services, and each of
/// their calls would then look types up and copy state at run time. What is captured here is compiled for its service.
struct OwnerEntrance: Sendable {
  typealias Change = @Sendable (inout TenancyActions) -> TenancyStanding

  let step: @Sendable (_ time: Timestamp, _ now: Int64, inout TenancyActions) -> TenancyStanding
  /// How it stands, without doing anything.
  let standing: Change
  let pass: @Sendable (_ now: Int64, inout TenancyActions) -> TenancyStanding

  // The log.
  let deliver: @Sendable (LogRecord, _ offset: Int64) -> Void
  let deliverUndecodable: @Sendable (_ reason: String, _ offset: Int64) -> Void
  let confirmed: @Sendable (_ number: UInt64, _ offset: Int64?, _ now: Int64, inout TenancyActions) -> TenancyStanding

  // Inputs.
  /// Returns false when it is not taken.
  let command: @Sendable (ClientCommand, _ deadline: Int64) -> Bool
  let frame: @Sendable (StreamFrame<StreamInput>, inout TenancyActions) -> TenancyStanding
  let askedToGreet: @Sendable (StreamSource, inout TenancyActions) -> TenancyStanding

  // Its own messages.
  let destinations: @Sendable () -> [PartitionID]
  let awaitsGreeting: @Sendable (PartitionID, OwnerID) -> Bool
  let nextFrame: @Sendable (PartitionID) -> StreamFrame<Message>?
  let greeting: @Sendable (StreamGreeting, inout TenancyActions) -> TenancyStanding
  let acknowledgement: @Sendable (StreamAcknowledgement, inout TenancyActions) -> TenancyStanding
  let gap: @Sendable (StreamGap, inout TenancyActions) -> TenancyStanding

  // Reads.
  let look: @Sendable (Query, _ now: Int64) -> View?
  /// Returns nil when it is not taken.
  let read: @Sendable (Query, RequestID, _ now: Int64, inout TenancyActions) -> TenancyStanding?
  let takeWaitingReads: @Sendable () -> [RequestID]

  // The store.
  let loaded: @Sendable ([EntityChange], _ now: Int64, inout TenancyActions) -> TenancyStanding
  let loadFailed: Change
  let takeCheckpoint: @Sendable () -> Bool
  let checkpointToWrite: @Sendable () -> CheckpointBatch?
  let checkpointEnded: @Sendable (_ isWritten: Bool) -> Void

  // The end.
  let leave: Change
  let ending: @Sendable () -> TenancyEnd?
  let takeAbandoned: @Sendable () -> AbandonedRequests
  /// Whether nothing is queued or under way.
  let isIdle: @Sendable () -> Bool
  let isBehind: @Sendable () -> Bool
  let state: @Sendable () -> OwnerState

  init<Machine>(_ actor: OwnerActor<Machine>) {
    step = { actor.step(at: $0, now: $1, &$2) }
    standing = { actor.change(&$0) { _, _ in } }
    pass = { now, actions in actor.change(&actions) { $0.pass(now, into: &$1) } }
    deliver = { record, offset in actor.mutate { $0.deliver(record, at: offset) } }
    deliverUndecodable = { reason, offset in actor.mutate { $0.deliverUndecodable(reason, at: offset) } }
    confirmed = { number, offset, now, actions in
      actor.change(&actions) { $0.confirmed(number, at: offset, now: now, into: &$1) }
    }
    command = { command, deadline in actor.mutate { $0.receive(command, deadline: deadline) } }
    frame = { frame, actions in actor.change(&actions) { $0.receive(frame, into: &$1) } }
    askedToGreet = { source, actions in actor.change(&actions) { $0.greet(source, into: &$1) } }
    destinations = { actor.mutate { $0.destinations } }
    awaitsGreeting = { destination, owner in actor.mutate { $0.awaitsGreeting(from: destination, of: owner) } }
    nextFrame = { destination in actor.mutate { $0.nextFrame(to: destination) } }
    greeting = { greeting, actions in actor.change(&actions) { $0.take(greeting, into: &$1) } }
    acknowledgement = { acknowledgement, actions in actor.change(&actions) { $0.take(acknowledgement, into: &$1) } }
    gap = { gap, actions in actor.change(&actions) { $0.take(gap, into: &$1) } }
    look = { query, now in actor.mutate { $0.look(query, at: now) } }
    read = { actor.read($0, for: $1, at: $2, &$3) }
    takeWaitingReads = { actor.mutate { $0.takeWaitingReads().map(\.request) } }
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
    leave = { actor.change(&$0) { tenancy, _ in tenancy.leave() } }
    ending = { actor.mutate { $0.ending } }
    takeAbandoned = { actor.mutate { $0.takeAbandoned() } }
    isIdle = { actor.mutate { $0.queuedCount == 0 && $0.unconfirmedCount == 0 } }
    isBehind = { actor.mutate { $0.isBehind } }
    state = { actor.state }
  }

  /// The actor of a partition, with the machine of its service.
  init(of partition: PartitionID, _ owner: OwnerID, _ shared: OwnerShared, _ recovery: Recovery, on lane: Lane) {
    let (options, mode, memory) = (shared.options, shared.mode, shared.memory)
    switch partition.service {
    case .orders:
      self.init(OwnerActor<OrdersMachine>(partition, owner, options, mode, recovery, in: memory, on: lane))
    case .stock:
      self.init(OwnerActor<StockMachine>(partition, owner, options, mode, recovery, in: memory, on: lane))
    case .payments:
      self.init(OwnerActor<PaymentsMachine>(partition, owner, options, mode, recovery, in: memory, on: lane))
    }
  }
}
