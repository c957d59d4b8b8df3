import Model
import PartitionCore
import Payments
import Streams
import TestSupport
import Testing

@testable import Tenancy

@Suite struct OwnerTests {
  @Test func nothingLeavesBeforeItsRecordIsConfirmed() throws {
    var owner = try TestOwner()
    owner.read([try TestOwner.owned(1)])
    #expect(owner.tenancy.phase == .serving, "nobody was there before")
    let request = owner.create("a")
    owner.turn()
    #expect(owner.appended.count == 1)
    expectEqual(owner.takeReplies(), [])
    expectEqual(owner.actions.acknowledgements.isEmpty, true)
    owner.confirm(at: 1)
    expectEqual(owner.takeReplies(), [request])
    #expect(owner.actions.acknowledgements.map(\.number) == [1])
  }

  @Test func oneAppendIsUnderWayAndTheRestIsCollected() throws {
    var owner = try TestOwner()
    owner.read([try TestOwner.owned(1)])
    for user in ["a", "b", "c"] {
      owner.create(user)
      owner.turn()
    }
    #expect(owner.appended.count == 1)
    owner.confirm(at: 1)
    owner.turn()
    guard case .turn(let second)? = owner.appended.first else {
      Issue.record("nothing was appended")
      return
    }
    #expect(second.number == 2 && second.entries.count == 2)
  }

  @Test func whoFindsAnotherOwnerRevealsNothing() throws {
    var owner = try TestOwner()
    owner.read([try TestOwner.owned(1)])
    owner.create("a")
    owner.turn()
    owner.confirm(at: 2)
    #expect(owner.actions.readBackFrom == 0)
    owner.tenancy.readBack(try TestOwner.owned(1), at: 0, now: owner.now, into: &owner.actions)
    owner.tenancy.readBack(try TestOwner.owned(2, run: 7), at: 1, now: owner.now, into: &owner.actions)
    #expect(owner.tenancy.ending == .superseded(by: OwnerID(epoch: 2, run: 7)))
    expectEqual(owner.takeReplies(), [])
  }

  @Test func whatIsNotFoundIsAppendedAgainAsItWas() throws {
    var owner = try TestOwner()
    owner.read([try TestOwner.owned(1)])
    let request = owner.create("a")
    owner.turn()
    let first = owner.appended
    owner.confirm(at: nil)
    owner.tenancy.readBack(try TestOwner.owned(1), at: 0, now: owner.now, into: &owner.actions)
    owner.tenancy.readBackEnded(at: 1, now: owner.now, into: &owner.actions)
    #expect(owner.actions.appends == first)
    owner.appended = owner.actions.appends
    // The first one got there after all, and this one behind it.
    owner.confirm(at: 2)
    owner.tenancy.readBack(try TestOwner.owned(1), at: 0, now: owner.now, into: &owner.actions)
    owner.tenancy.readBack(first[0], at: 1, now: owner.now, into: &owner.actions)
    expectEqual(owner.takeReplies(), [request])
    #expect(owner.tenancy.ending == nil && owner.tenancy.confirmed.offset == 1)
  }

  /// The log lost record 2, and the owner's next append took its place: by offsets alone nothing is wrong.
  @Test func aLogThatLostRecordsIsNoticed() throws {
    var owner = try TestOwner()
    owner.read([try TestOwner.owned(1)])
    for (user, offset) in [("a", Int64(1)), ("b", 2)] {
      owner.create(user)
      owner.turn()
      owner.confirm(at: offset)
    }
    _ = owner.takeReplies()
    owner.create("c")
    owner.turn()
    let third = owner.appended[0]
    owner.confirm(at: nil)
    #expect(owner.actions.readBackFrom == 2)
    owner.tenancy.readBack(third, at: 2, now: owner.now, into: &owner.actions)
    guard case .stopped(_, let reason) = owner.tenancy.ending else {
      Issue.record("it goes on")
      return
    }
    #expect(reason.contains("it has lost records"))
    expectEqual(owner.takeReplies(), [])
  }

  @Test func aShrunkenLogIsWaitedForAndThenStopsThePartition() throws {
    var limits = TenancyLimits()
    limits.shrunkenLogMilliseconds = 800
    var owner = try TestOwner(limits: limits)
    owner.read([try TestOwner.owned(1)])
    owner.create("a")
    owner.turn()
    owner.confirm(at: nil)
    for _ in 0..<8 {
      owner.tenancy.readBackEnded(at: 0, now: owner.now, into: &owner.actions)
      #expect(owner.tenancy.ending == nil)
      // Asleep for an hour: that says nothing about the log.
      owner.now += 3_600_000
    }
    owner.tenancy.readBackEnded(at: 0, now: owner.now, into: &owner.actions)
    guard case .stopped = owner.tenancy.ending else {
      Issue.record("it waits for ever")
      return
    }
  }

  // MARK: The predecessor

  /// A log with an owner before, that said nothing at its end, and one record of it.
  private func taken(_ owner: inout TestOwner) throws {
    let record = TurnRecord(
      owner: OwnerID(epoch: 1, run: 7), number: 1, time: Timestamp(milliseconds: 500), entries: [])
    owner.read([try TestOwner.owned(1, run: 7), .turn(record), try TestOwner.owned(2)])
  }

  @Test func aNewOwnerHoldsEverythingBackForALease() throws {
    var owner = try TestOwner(epoch: 2)
    try taken(&owner)
    #expect(owner.tenancy.phase == .waiting(since: 1_000))
    let request = owner.create("a")
    owner.turn()
    owner.confirm(at: 3)
    expectEqual(owner.takeReplies(), [])
    owner.tenancy.pass(2_099, into: &owner.actions)
    expectEqual(owner.takeReplies(), [])
    owner.tenancy.pass(2_100, into: &owner.actions)
    expectEqual(owner.takeReplies(), [request])
  }

  @Test func thePredecessorsWordEndsTheWait() throws {
    var owner = try TestOwner(epoch: 2)
    try taken(&owner)
    owner.tenancy.predecessorReleased(OwnerID(epoch: 1, run: 8), into: &owner.actions)
    #expect(owner.tenancy.phase == .waiting(since: 1_000), "another run's word counts for nothing")
    owner.tenancy.predecessorReleased(OwnerID(epoch: 1, run: 7), into: &owner.actions)
    #expect(owner.tenancy.phase == .serving)
  }

  /// Logging one by one is for the successor of an owner that an input may have ended. One that hands over lives.
  @Test func onlyAPredecessorThatSaysNothingMakesItsSuccessorCautious() throws {
    for isReleased in [false, true] {
      var owner = try TestOwner(epoch: 2)
      try taken(&owner)
      if isReleased { owner.tenancy.predecessorReleased(OwnerID(epoch: 1, run: 7), into: &owner.actions) }
      _ = owner.create("a")
      _ = owner.create("b")
      owner.turn()
      guard case .turn(let record)? = owner.appended.last else {
        Issue.record("nothing was appended")
        return
      }
      #expect(record.entries.count == (isReleased ? 2 : 1))
    }
  }

  @Test func whoLeavesSaysSoInTheLog() throws {
    var owner = try TestOwner()
    owner.read([try TestOwner.owned(1)])
    owner.tenancy.leave()
    #expect(!owner.tenancy.isAdmitting)
    owner.turn()
    guard case .turn(let last)? = owner.appended.first else {
      Issue.record("nothing was appended")
      return
    }
    #expect(last.controls == [.released(epoch: 1)])
    owner.confirm(at: 1)
    #expect(owner.tenancy.ending == .left)
    var next = try TestOwner(epoch: 2)
    next.read([try TestOwner.owned(1), .turn(last), try TestOwner.owned(2)])
    #expect(next.tenancy.phase == .serving)
  }

  @Test func aSuccessorIsNotifiedWhenWhatIsUnderWayIsSettled() throws {
    var owner = try TestOwner()
    owner.read([try TestOwner.owned(1)])
    let request = owner.create("a")
    owner.turn()
    let successor = OwnerID(epoch: 2, run: 7)
    owner.tenancy.successorAnnounced(successor, into: &owner.actions)
    #expect(owner.actions.releasedTo == nil && owner.tenancy.ending == nil)
    owner.confirm(at: 1)
    expectEqual(owner.takeReplies(), [request], "it stands before the successor's Owned")
    #expect(owner.actions.releasedTo == successor)
    #expect(owner.tenancy.ending == .superseded(by: successor))
  }

  // MARK: What cannot be applied

  @Test func poisonIsLoggedByItselfAndThenStopsThePartition() throws {
    var owner = try TestOwner()
    owner.read([try TestOwner.owned(1)])
    owner.create("a")
    owner.take(.stock(.add(ItemID(unchecked: "i"), Quantity(unchecked: 1))))
    owner.turn()
    #expect(owner.appended.isEmpty)
    #expect(owner.tenancy.ending == .lost(.poison, epochAbove: 1))
    // Acquired anew, after an owner that did not end in order: inputs are logged before they are applied.
    var next = try TestOwner(epoch: 2)
    next.read([try TestOwner.owned(1), try TestOwner.owned(2)])
    next.create("a")
    next.take(.stock(.add(ItemID(unchecked: "i"), Quantity(unchecked: 1))))
    next.turn()
    next.confirm(at: 2)
    #expect(next.tenancy.number == 1)
    next.turn()
    next.confirm(at: 3)
    guard case .stopped(number: 2, _) = next.tenancy.ending else {
      Issue.record("\(next.tenancy.phase)")
      return
    }
  }

  // MARK: One sequence for all

  @Test func theEmbeddedLogTakesAppendAfterAppend() throws {
    var owner = try TestOwner(mode: .embedded)
    owner.read([try TestOwner.owned(1)])
    var requests: [RequestID] = []
    for user in ["a", "b", "c"] {
      requests.append(owner.create(user))
      owner.turn()
    }
    #expect(owner.appended.count == 3)
    expectEqual(owner.takeReplies(), [])
    for offset in 1...3 { owner.confirm(at: Int64(offset)) }
    expectEqual(owner.takeReplies(), requests)
  }

  @Test func readsNeedALeaseOnlyWhereOthersMayWrite() throws {
    for mode in [LogMode.shared, .embedded] {
      var owner = try TestOwner(mode: mode)
      owner.read([try TestOwner.owned(1)])
      let request = RequestID(incarnation: 1, lane: 0, number: 99)
      expectEqual(
        owner.tenancy.read(.user(UserID(unchecked: "a")), for: request, at: owner.now, into: &owner.actions), true)
      owner.load()
      #expect(owner.actions.answers.count == (mode == .embedded ? 1 : 0))
      guard mode == .shared else { continue }
      owner.turn()
      #expect(owner.appended.count == 1, "a record without entries proves that nobody else writes")
      owner.confirm(at: 1)
      #expect(owner.actions.answers.count == 1)
    }
  }

  // MARK: What a peer or a store may say

  @Test(arguments: [UInt64.max, UInt64.max - 1])
  func noNumberOfAPeerTraps(_ first: UInt64) throws {
    var owner = try TestOwner()
    owner.read([try TestOwner.owned(1)])
    let input = StreamInput.message(.commit(AttemptID(order: OrderID(unchecked: "o"), number: 1)))
    for source in [TestOwner.session, .partition(PartitionID(.orders, 0))] {
      for asOf in [Int64.min, .max] {
        owner.tenancy.receive(
          StreamFrame(
            source: source, destination: TestOwner.partition, owner: owner.tenancy.owner, first: first,
            inputs: [input, input], asOf: Timestamp(milliseconds: asOf)), into: &owner.actions)
      }
    }
    #expect(owner.actions.gaps.count == 4)
    #expect(owner.tenancy.queuedCount == 0 && owner.tenancy.ending == nil)
  }

  @Test func moreMessagesThanWereEverCausedStopThePartition() throws {
    let row = OutboxRow(
      destination: PartitionID(.orders, 0), number: 1,
      message: .paid(AttemptID(order: OrderID(unchecked: "o"), number: 1)))
    let header = CheckpointHeader(
      partition: TestOwner.partition, owner: nil, number: 0, offset: -1, now: .zero, rulesVersion: 1, limits: .initial,
      ledger: Ledger(), received: [], caused: [.init(destination: row.destination, number: 1)])
    let owner = try TestOwner(recovery: Recovery(header: header, outbox: [row, row]))
    guard case .stopped(_, let reason) = owner.tenancy.ending else {
      Issue.record("\(owner.tenancy.phase)")
      return
    }
    #expect(reason.contains("2 messages to orders-0, of 1"))
  }

  @Test func boundsAreChecked() {
    #expect(TenancyLimits().contradiction == nil)
    var limits = TenancyLimits()
    limits.cautiousInputs = 0
    #expect(limits.contradiction != nil)
  }
}
