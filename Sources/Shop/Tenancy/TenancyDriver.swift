import Model
import PartitionCore
import Streams

/// A tenure as its driver sees it, whatever the service of its partition.
public protocol TenancyDriver: Sendable {
  var partition: PartitionID { get }
  var owner: OwnerID { get }
  var ending: TenancyEnd? { get }
  var isReplaying: Bool { get }
  var isAdmitting: Bool { get }
  var mayReveal: Bool { get }
  var number: UInt64 { get }
  var checkpointedNumber: UInt64 { get }
  var unconfirmedCount: Int { get }
  var queuedCount: Int { get }
  var unacknowledgedCount: Int { get }
  var wantsTurn: Bool { get }
  var canAdvanceReplay: Bool { get }
  var isBehind: Bool { get }
  var isCheckpointing: Bool { get }
  var ruleLimits: RuleLimits { get }
  var ledger: Ledger { get }
  var destinations: [PartitionID] { get }
  var ingestedNumber: UInt64 { get }
  var unserved: Set<PartitionID> { get set }
  var takesSweep: Bool { get }

  mutating func deliver(_ record: LogRecord, at offset: Int64)
  mutating func deliverUndecodable(_ reason: String, at offset: Int64)
  mutating func advanceReplay(at now: Int64, into actions: inout TenancyActions)
  mutating func pass(_ now: Int64, into actions: inout TenancyActions)

  mutating func receive(_ frame: StreamFrame<StreamInput>, into actions: inout TenancyActions)
  mutating func sweep(_ orders: [OrderID]) -> Bool
  mutating func receive(_ inputs: [LoggedInput], for owner: OwnerID)
  mutating func dropIngested()
  mutating func greet(_ source: StreamSource, asker: UInt64, at time: Timestamp, into actions: inout TenancyActions)
  mutating func turn(at time: Timestamp, now: Int64, into actions: inout TenancyActions)
  mutating func confirmed(_ number: UInt64, at offset: Int64?, now: Int64, into actions: inout TenancyActions)
  mutating func readBack(_ record: LogRecord, at offset: Int64, now: Int64, into actions: inout TenancyActions)
  mutating func readBackEnded(at end: Int64, now: Int64, into actions: inout TenancyActions)

  mutating func nextFrame(to destination: PartitionID) -> StreamFrame<Message>?
  /// Whether to ask a destination's owner how far this partition's stream has come. Never before the replay has ended:
  /// the answer could not be taken, and whoever is asked assumes that the asker speaks for its partition.
  func awaitsGreeting(from destination: PartitionID, of owner: OwnerID) -> Bool
  mutating func take(_ greeting: StreamGreeting, into actions: inout TenancyActions)
  mutating func take(_ acknowledgement: StreamAcknowledgement, into actions: inout TenancyActions)
  mutating func take(_ gap: StreamGap, into actions: inout TenancyActions)
  mutating func disconnected(from destination: PartitionID, of former: OwnerID)
  mutating func replyReceived(_ request: RequestID)
  func sendRepliesAgain(into actions: inout TenancyActions)

  mutating func read(_ query: Query, for request: RequestID, at now: Int64, into actions: inout TenancyActions) -> Bool
  mutating func takeWaitingReads() -> [(query: Query, request: RequestID)]

  mutating func keysToLoad() -> [EntityKey]
  mutating func loaded(_ rows: [EntityChange], at now: Int64, into actions: inout TenancyActions)
  mutating func loadFailed()
  mutating func takeCheckpoint() -> Bool
  mutating func checkpointToWrite() -> CheckpointBatch?
  mutating func checkpointEnded(isWritten: Bool)
  mutating func evict(downTo share: Int) -> Int

  mutating func successorAnnounced(_ successor: OwnerID, into actions: inout TenancyActions)
  mutating func predecessorReleased(_ former: OwnerID, into actions: inout TenancyActions)
  mutating func leave()
  mutating func fenced(_ loss: Loss)
  func forEachEntity(_ body: (EntityKey, Entity) -> Void)
  /// The state of its message streams, for finding what is stuck.
  var outboxText: String { get }
}

extension Tenancy: TenancyDriver {
  public var isReplaying: Bool { phase == .replaying }
  public var ledger: Ledger { state.machine.ledger }

  public var outboxText: String {
    outbox.allSenders.map { sender in
      let owner = sender.owner.map { "\($0)" } ?? "nobody"
      return "to \(sender.destination) of \(owner): \(sender.acknowledged) acknowledged, \(sender.sent) sent, "
        + "\(sender.numbered) numbered"
    }.joined(separator: "; ")
  }

  public func awaitsGreeting(from destination: PartitionID, of owner: OwnerID) -> Bool {
    let canTakeAnswer = isAdmitting && phase != .replaying || planted.is(.askedWhileReplaying)
    return canTakeAnswer && outbox.awaitsGreeting(from: destination, of: owner)
  }

  public func forEachEntity(_ body: (EntityKey, Entity) -> Void) { state.forEachEntity(body) }
}
