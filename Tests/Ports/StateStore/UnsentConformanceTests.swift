import Model
import PartitionCore
import Ports
import Streams
import Testing
import TestSupport

/// Messages and replies that nobody has acknowledged: every store keeps them with the checkpoint that they belong to.
@Suite struct UnsentConformanceTests {
  let stock = PartitionID(.stock, 1)
  let other = PartitionID(.stock, 2)

  private func expect(
    _ recovery: Recovery, _ outbox: [OutboxRow], _ replies: [CommandReply],
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(recovery.outbox == outbox, sourceLocation: sourceLocation)
    #expect(recovery.replies == replies, sourceLocation: sourceLocation)
  }

  @Test(arguments: StoreKind.allCases)
  func beginsWithNone(_ kind: StoreKind) throws {
    let fixture = try StoreFixture(kind)
    let epoch = try fixture.store.acquire(stock).epoch
    try fixture.store.writeNow(batch(stock, 1, []), epoch: epoch)
    expect(try fixture.store.acquire(stock).recovery, [], [])
    fixture.store.close()
  }

  @Test(arguments: StoreKind.allCases)
  func comeBackInTheirOrderAndPerPartition(_ kind: StoreKind) throws {
    let fixture = try StoreFixture(kind)
    let store = fixture.store
    let epoch = try store.acquire(stock).epoch
    let otherEpoch = try store.acquire(other).epoch
    // As a partition has them: ascending by destination, and then what was caused last.
    let rows = messages(orders, 7...11) + messages(payments, 1...3) + messages(orders, 12...12)
    let replies = [reply(3), reply(1), .skipped(request(9), .expired), reply(2), .skipped(request(4), .overloaded)]
    try store.writeNow(batch(stock, 1, outbox: rows, replies: replies), epoch: epoch)
    try store.writeNow(batch(other, 1, outbox: messages(orders, 7...7), replies: [reply(3)]), epoch: otherEpoch)
    expect(try store.acquire(stock).recovery, messages(orders, 7...12) + messages(payments, 1...3), replies)
    expect(try store.acquire(other).recovery, messages(orders, 7...7), [reply(3)])
    store.close()
  }

  @Test(arguments: StoreKind.allCases)
  func surviveReopening(_ kind: StoreKind) throws {
    let fixture = try StoreFixture(kind)
    let epoch = try fixture.store.acquire(stock).epoch
    let first = batch(stock, 1, outbox: messages(orders, 1...5), replies: [reply(1), reply(2)])
    try fixture.store.writeNow(first, epoch: epoch)
    let store = try fixture.reopen()
    let again = try store.acquire(stock)
    expect(again.recovery, messages(orders, 1...5), [reply(1), reply(2)])
    // What the store before wrote is taken away, and what it did not write is added.
    let second = batch(stock, 2, outbox: messages(orders, 4...7), replies: [reply(2), reply(3)])
    try store.writeNow(second, epoch: again.epoch)
    expect(try store.acquire(stock).recovery, messages(orders, 4...7), [reply(2), reply(3)])
    store.close()
  }

  @Test(arguments: StoreKind.allCases)
  func eachCheckpointReplacesTheOneBefore(_ kind: StoreKind) throws {
    let fixture = try StoreFixture(kind)
    let store = fixture.store
    var epoch = try store.acquire(stock).epoch
    let steps: [(outbox: [OutboxRow], replies: [CommandReply])] = [
      (messages(orders, 1...4), [reply(1), reply(2), reply(3)]),
      // Acknowledged in front, caused behind.
      (messages(orders, 3...6), [reply(1), reply(3), reply(4)]),
      (messages(orders, 3...6), [reply(1), reply(3), reply(4)]),
      // A second destination; all that was is acknowledged, and there are later ones.
      (messages(orders, 7...8) + messages(payments, 1...1), [reply(4), reply(1)]),
      (messages(orders, 10...10) + messages(payments, 1...2), [reply(5)]),
      (messages(payments, 2...2), []),
      ([], [reply(6), reply(7)]),
      ([], []),
      (messages(orders, 11...11), [reply(7), reply(6)]),
    ]
    for (place, step) in steps.enumerated() {
      try store.writeNow(
        batch(stock, Int64(place), outbox: step.outbox, replies: step.replies), epoch: epoch)
      // Every second one is written on top of what this owner wrote itself.
      if place % 2 == 0 { continue }
      let ownership = try store.acquire(stock)
      expect(ownership.recovery, step.outbox, step.replies)
      epoch = ownership.epoch
    }
    expect(try store.acquire(stock).recovery, messages(orders, 11...11), [reply(7), reply(6)])
    store.close()
  }

  @Test(arguments: StoreKind.allCases)
  func aFencedOwnerWritesNone(_ kind: StoreKind) throws {
    let fixture = try StoreFixture(kind)
    let store = fixture.store
    let zombie = try store.acquire(stock).epoch
    try store.writeNow(batch(stock, 1, outbox: messages(orders, 1...3), replies: [reply(1)]), epoch: zombie)
    let owner = try store.acquire(stock).epoch
    let late = batch(stock, 2, outbox: messages(orders, 3...9), replies: [reply(2)])
    #expect { try store.writeNow(late, epoch: zombie) } throws: { ($0 as? StoreFailure)?.code == .fenced }
    let again = try store.acquire(stock)
    #expect(again.epoch > owner)
    expect(again.recovery, messages(orders, 1...3), [reply(1)])
    store.close()
  }
}

// MARK: What they look like

let orders = PartitionID(.orders, 0)
let payments = PartitionID(.payments, 3)

func messages(_ destination: PartitionID, _ numbers: ClosedRange<UInt64>) -> [OutboxRow] {
  numbers.map { number in
    let attempt = AttemptID(order: OrderID(unchecked: "o\(number)"), number: 1)
    return OutboxRow(destination: destination, number: number, message: .paid(attempt))
  }
}

func request(_ number: UInt64) -> RequestID { RequestID(incarnation: .max - number, lane: 3, number: number) }

func reply(_ number: UInt64) -> CommandReply {
  .outcome(Reply(request: request(number), outcome: .created(id: "i\(number)"), isReplayed: number % 2 == 0))
}

func batch(
  _ partition: PartitionID, _ offset: Int64, outbox: [OutboxRow], replies: [CommandReply]
) -> CheckpointBatch {
  CheckpointBatch(header: batch(partition, offset, []).header, changes: [], outbox: outbox, replies: replies)
}
