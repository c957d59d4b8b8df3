import Model
import PartitionCore
import Payments
import Streams
import TestSupport
import Testing

@testable import Tenancy

/// What a tenure makes of its partition's ingest log.
@Suite struct IngestTests {
  private func input(_ number: UInt64, _ command: PaymentCommand) -> LoggedInput {
    LoggedInput(
      ingested: number,
      ClientCommand(
        request: RequestID(ingested: number), idempotency: nil, trace: nil, command: .payments(command)))
  }

  private func create(_ number: UInt64, _ user: String) -> LoggedInput {
    input(number, .create(UserID(unchecked: user), .random))
  }

  private func serving(
    epoch: UInt64 = 1, limits: TenancyLimits = TenancyLimits(), recovery: Recovery = Recovery(),
    _ records: [LogRecord] = []
  ) throws -> TestOwner {
    var owner = try TestOwner(epoch: epoch, limits: limits, recovery: recovery)
    owner.read(records + [try TestOwner.owned(epoch)])
    owner.tenancy.predecessorReleased(OwnerID(epoch: 1, run: 1), into: &owner.actions)
    #expect(owner.tenancy.phase == .serving)
    return owner
  }

  private func entries(_ owner: TestOwner) -> [LoggedInput] {
    if case .turn(let record)? = owner.appended.first { record.entries } else { [] }
  }

  @Test func commandsAreAppliedOnceInOrderAndNobodyIsAnswered() throws {
    var owner = try serving()
    owner.tenancy.receive([create(3, "a"), create(7, "b")], for: owner.tenancy.owner)
    owner.tenancy.receive([create(3, "a"), create(7, "b")], for: owner.tenancy.owner)
    owner.tenancy.receive([create(9, "c")], for: OwnerID(epoch: 9, run: 9))
    owner.turn()
    #expect(entries(owner).map(\.origin?.number) == [3, 7], "each once, and nothing meant for another tenure")
    expectEqual(owner.actions.acknowledgements.isEmpty, true)
    owner.confirm(at: 1)
    #expect(owner.actions.acknowledgements.map(\.source) == [.ingest])
    #expect(owner.actions.acknowledgements.map(\.number) == [7])
    expectEqual(owner.takeReplies(), [])
    expectEqual(owner.actions.refusals.isEmpty, true)
    #expect(owner.tenancy.ingestedNumber == 7)
  }

  @Test func aSuccessorContinuesAfterWhatTheLogHas() throws {
    var owner = try serving()
    owner.tenancy.receive([create(3, "a")], for: owner.tenancy.owner)
    owner.turn()
    let log = [try TestOwner.owned(1)] + owner.appended
    var next = try serving(epoch: 2, log)
    #expect(next.tenancy.ingestedNumber == 3)
    next.tenancy.receive([create(3, "a"), create(4, "b")], for: next.tenancy.owner)
    next.turn()
    #expect(entries(next).map(\.origin?.number) == [4])
  }

  /// A refusal leaves once it is durable, and is handed over again until somebody has it: by successors, too.
  @Test func refusalsAreKeptUntilTheyAreReported() throws {
    var owner = try serving()
    let unreadable = LoggedInput(ingested: 6, nil)
    owner.tenancy.receive(
      [create(4, "a"), create(5, "a"), unreadable], for: owner.tenancy.owner)
    owner.turn()
    expectEqual(owner.actions.refusals.isEmpty, true)
    let log = [try TestOwner.owned(1)] + owner.appended
    owner.confirm(at: 1)
    let refused = [RequestID(ingested: 5), RequestID(ingested: 6)]
    #expect(owner.actions.refusals.map(\.request) == refused)
    expectEqual(owner.tenancy.takeCheckpoint(), true)
    let written = owner.tenancy.checkpointToWrite()
    let batch = try #require(written)
    #expect(batch.replies.map(\.request) == refused, "in the checkpoint, which has no reply to what succeeded")

    let replayed = try serving(epoch: 2, log)
    #expect(replayed.actions.refusals.map(\.request) == refused)
    var restored = try TestOwner(
      epoch: 2, recovery: Recovery(header: batch.header, outbox: batch.outbox, replies: batch.replies))
    restored.tenancy.deliver(try TestOwner.owned(2), at: 2)
    restored.tenancy.advanceReplay(at: 0, into: &restored.actions)
    restored.tenancy.predecessorReleased(OwnerID(epoch: 1, run: 1), into: &restored.actions)
    #expect(restored.actions.refusals.map(\.request) == refused)
    for request in refused { restored.tenancy.replyReceived(request) }
    restored.create("b")
    restored.turn()
    restored.confirm(at: 3)
    expectEqual(restored.tenancy.takeCheckpoint(), true)
    let last = restored.tenancy.checkpointToWrite()
    #expect(last?.replies.contains { $0.request.isIngested } == false)
  }

  @Test func nothingIsTakenWhileTooManyRefusalsWait() throws {
    var limits = TenancyLimits()
    limits.unreportedRefusalsMax = 1
    limits.turnIngestMax = 1
    var owner = try serving(limits: limits)
    owner.tenancy.receive([LoggedInput(ingested: 1, nil), create(2, "a")], for: owner.tenancy.owner)
    owner.turn()
    owner.confirm(at: 1)
    #expect(!owner.tenancy.wantsTurn)
    owner.create("b")
    #expect(owner.tenancy.wantsTurn, "clients are served")
    owner.turn()
    owner.confirm(at: 2)
    owner.tenancy.replyReceived(RequestID(ingested: 1))
    #expect(owner.tenancy.wantsTurn)
  }

  @Test func clientsComeFirstAndNeverWaitForMoreThanAShare() throws {
    var limits = TenancyLimits()
    limits.turnIngestMax = 2
    var owner = try serving(limits: limits)
    owner.tenancy.receive((1...5).map { create($0, "fed\($0)") }, for: owner.tenancy.owner)
    owner.create("client")
    owner.turn()
    #expect(entries(owner).map(\.origin?.source) == [TestOwner.session, .ingest, .ingest])
    owner.confirm(at: 1)
    owner.turn()
    #expect(entries(owner).count == 2)
  }

  /// What would refuse a client's command holds these back, while there is room for clients.
  @Test func theyWaitForRoomAndAreNotRefused() throws {
    var limits = TenancyLimits()
    limits.core.dirtyMax = 4
    limits.core.checkpointEntitiesDue = 4
    limits.turnIngestMax = 8
    var owner = try serving(limits: limits)
    owner.tenancy.receive((1...5).map { create($0, "fed\($0)") }, for: owner.tenancy.owner)
    owner.turn()
    #expect(entries(owner).count == 2, "half of what may be dirty")
    owner.confirm(at: 1)
    #expect(!owner.tenancy.wantsTurn && owner.tenancy.hasIngested)
    owner.create("client")
    owner.turn()
    owner.confirm(at: 2)
    #expect(owner.takeReplies().count == 1, "a client finds room")
    expectEqual(owner.tenancy.takeCheckpoint(), true)
    _ = owner.tenancy.checkpointToWrite()
    owner.tenancy.checkpointEnded(isWritten: true)
    #expect(owner.tenancy.wantsTurn)
    owner.tenancy.isIngestHeld = true
    #expect(!owner.tenancy.wantsTurn, "what other partitions hold counts, too")
  }

  /// After an unclean end they are logged one at a time, too: poison must stand in a record of its own.
  @Test func theyAreLoggedOneByOneAfterAnUncleanEnd() throws {
    var limits = TenancyLimits()
    limits.cautiousInputs = 1
    var owner = try TestOwner(epoch: 2, limits: limits)
    owner.read([try TestOwner.owned(1), try TestOwner.owned(2)])
    owner.tenancy.receive([create(1, "a"), create(2, "b")], for: owner.tenancy.owner)
    owner.turn()
    #expect(entries(owner).map(\.origin?.number) == [1])
    #expect(owner.tenancy.ingestedNumber == 0, "not applied yet")
    owner.confirm(at: 2)
    #expect(owner.tenancy.ingestedNumber == 1)
  }

  @Test func whoIsToLeaveDropsWhatIsQueued() throws {
    var owner = try serving()
    owner.tenancy.receive([create(1, "a")], for: owner.tenancy.owner)
    owner.tenancy.dropIngested()
    #expect(!owner.tenancy.hasIngested && !owner.tenancy.wantsTurn)
    owner.tenancy.receive([create(1, "a")], for: owner.tenancy.owner)
    #expect(owner.tenancy.wantsTurn, "it was never taken")
  }
}
