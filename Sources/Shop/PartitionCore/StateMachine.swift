import Model

/// The rules of one service for one partition: a pure function of (state, entry) to (state, effects).
///
/// No clock, no randomness, no I/O, no iteration in hash order: the same log gives the same state everywhere.
public protocol StateMachine: Sendable {
  init(partition: PartitionID, partitioner: Partitioner)

  var ledger: Ledger { get set }

  /// Appends the keys that must be resident before `command` is applied but are not.
  func collectMissing(for command: Command, into keys: inout [EntityKey])
  /// As for a command.
  func collectMissing(for message: Message, into keys: inout [EntityKey])
  /// The key that has to be loaded before the query can be answered, if any.
  func missing(for query: Query) -> EntityKey?

  /// Decides and applies a client's command. Returns nil if the outcome comes later (`ApplyContext.complete`).
  /// - Throws: `Poison` if the command is not one of this service.
  mutating func apply(_ command: Command, from waiter: Waiter, in context: inout ApplyContext)
    throws(Poison) -> Outcome?

  /// The partitions that must serve so that what `command` begins can end. Its keys are resident.
  func parties(to command: Command) -> [PartitionID]

  /// Takes one step of a checkout.
  /// - Throws: `Poison` if the message is not one that this service gets.
  mutating func receive(_ message: Message, in context: inout ApplyContext) throws(Poison)

  /// Answers a query whose keys are resident, with what the answer must wait for.
  mutating func view(of query: Query) -> (View, LogPosition)

  /// Takes what the store said about a key of this service.
  mutating func install(_ key: EntityKey, _ entity: Entity?)

  /// Passes every dirty entity to `body`; nil deletes.
  mutating func takeChanges(_ body: (EntityKey, Entity?) -> Void)
  mutating func checkpointEnded(isWritten: Bool)
  mutating func evict(excess: Int, scanMax: Int, keeping: Set<EntityKey>) -> Int

  var residentCount: Int { get }
  var dirtyCount: Int { get }
  /// Checkouts waiting for an item.
  var parkedCount: Int { get }

  /// Every resident entity that exists, in no particular order.
  func forEach(_ body: (EntityKey, Entity) -> Void)
}

extension StateMachine {
  public func parties(to command: Command) -> [PartitionID] { [] }
}
