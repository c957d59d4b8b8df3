import Model
import Testing

@testable import PartitionCore

/// A machine that sends one message for each `addFunds`, and cannot apply a `cancel` although it sent something for it.
private struct SendingMachine: StateMachine {
  var ledger = Ledger()
  var count = 0
  init(partition: PartitionID, partitioner: Partitioner) {}

  mutating func apply(
    _ command: Command, from waiter: Waiter, in context: inout ApplyContext
  ) throws(Poison) -> Outcome? {
    count += 1
    context.send(.paid(AttemptID(order: OrderID(unchecked: "o"), number: 1)), to: PartitionID(.orders, 0))
    if case .payments(.cancel) = command {
      context.complete(waiter, .done)
      throw Poison("spoilt")
    }
    return .done
  }

  mutating func receive(_ message: Message, in context: inout ApplyContext) throws(Poison) {}
  func collectMissing(for command: Command, into keys: inout [EntityKey]) {}
  func collectMissing(for message: Message, into keys: inout [EntityKey]) {}
  func missing(for query: Query) -> EntityKey? { nil }
  mutating func view(of query: Query) -> (View, LogPosition) { (.user(nil), .zero) }
  mutating func install(_ key: EntityKey, _ entity: Entity?) {}
  mutating func takeChanges(_ body: (EntityKey, Entity?) -> Void) {}
  mutating func checkpointEnded(isWritten: Bool) {}
  mutating func evict(excess: Int, scanMax: Int, keeping: Set<EntityKey>) -> Int { 0 }
  var residentCount: Int { 0 }
  var dirtyCount: Int { 0 }
  var parkedCount: Int { 0 }
  func forEach(_ body: (EntityKey, Entity) -> Void) {}
}

@Suite struct PoisonTests {
  private let user = UserID(unchecked: "u")

  private func apply(
    _ commands: [PaymentCommand], quarantined: Set<Int64> = []
  ) throws -> (PartitionLoop<SendingMachine>, Effects) {
    var loop = PartitionLoop<SendingMachine>(
      partition: PartitionID(.payments, 0), partitioner: try #require(Partitioner(count: 1)), limits: CoreLimits(),
      recovery: Recovery(header: nil, pinned: [], quarantined: quarantined))
    let entries = commands.enumerated().map { number, command in
      Entry(
        time: .zero,
        body: .command(
          ClientCommand(
            request: RequestID(incarnation: 1, lane: 0, number: UInt64(number)), idempotency: nil, trace: nil,
            command: .payments(command))))
    }
    loop.deliver(
      Delivery(
        partition: PartitionID(.payments, 0), offset: 0, position: LogPosition(1),
        content: .record(Record(entries: entries))))
    var effects = Effects()
    loop.step(into: &effects)
    return (loop, effects)
  }

  private func positions(_ effects: Effects) -> [SourcePosition] {
    effects.messages.compactMap { outbound in
      guard case .message(let message) = outbound.entry.body else { return nil }
      return message.position
    }
  }

  @Test func nothingOfAPoisonousEntryGetsOut() throws {
    let funds = PaymentCommand.addFunds(user, Money(unchecked: 1))
    let (stopped, before) = try apply([funds, .cancel(user, OrderID(unchecked: "o")), funds])
    #expect(stopped.status == .stopped(offset: 0, reason: "entry 1: spoilt"))
    #expect(stopped.appliedOffset == -1 && stopped.appliedEntries == 1)
    #expect(positions(before) == [SourcePosition(offset: 0, index: 0)] && before.replies.count == 1)
    // Without the entry, what follows is numbered on from what the receivers have seen.
    let (running, after) = try apply([funds, funds])
    #expect(running.status == .running && after.replies.count == 2)
    #expect(positions(after) == [SourcePosition(offset: 0, index: 0), SourcePosition(offset: 0, index: 1)])
  }

  @Test func whatIsQuarantinedIsLeftOutWhereItCannotBeApplied() throws {
    let funds = PaymentCommand.addFunds(user, Money(unchecked: 1))
    let poison = PaymentCommand.cancel(user, OrderID(unchecked: "o"))
    let (running, effects) = try apply([funds, poison, funds, poison], quarantined: [0])
    #expect(running.status == .running && running.appliedOffset == 0 && running.machine.count == 2)
    #expect(effects.replies.map(\.reply.request.number) == [0, 2])
    #expect(positions(effects) == [SourcePosition(offset: 0, index: 0), SourcePosition(offset: 0, index: 1)])
    // A record that can be applied is applied, whatever was said of it; and no other one is left out.
    #expect(try apply([funds, funds], quarantined: [0]).1.replies.count == 2)
    #expect(try apply([poison], quarantined: [1]).0.status == .stopped(offset: 0, reason: "entry 0: spoilt"))
  }

  @Test func onlyDataCanBeQuarantined() throws {
    var loop = PartitionLoop<SendingMachine>(
      partition: PartitionID(.payments, 0), partitioner: try #require(Partitioner(count: 1)), limits: CoreLimits(),
      recovery: Recovery(header: nil, pinned: [], quarantined: [0, 1, 3]))
    let contents: [Delivery.Content] = [
      .undecodable(reason: "no bytes"),
      .record(Record(entries: [Entry(time: .zero, body: .control(.rules(version: 99)))])),
    ]
    for (offset, content) in contents.enumerated() {
      loop.deliver(
        Delivery(
          partition: PartitionID(.payments, 0), offset: Int64(offset), position: .zero, content: content))
    }
    var effects = Effects()
    loop.step(into: &effects)
    guard case .stopped(offset: 1, _) = loop.status else { return #expect(Bool(false), "a newer version is needed") }
    #expect(loop.appliedOffset == 0)
  }
}
