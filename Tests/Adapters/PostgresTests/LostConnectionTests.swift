import Foundation
import Model
import PartitionCore
import Postgres
import Ports
import TestSupport
import Testing

/// What becomes of a checkpoint when the connection ends under it.
@Suite struct LostConnectionTests {
  let fixture: Fixture
  let proxy: CuttingProxy
  let store: PostgresStore
  let epoch: UInt64

  init() throws {
    fixture = try Fixture()
    proxy = try CuttingProxy(socketPath: fixture.server.socketPath)
    store = try fixture.open(via: fixture.connection(through: proxy)) {
      $0.writerCount = 1
      $0.readerCount = 1
      $0.idleMillisecondsMax = 1_000
    }
    epoch = try store.acquire(stock).epoch
    try store.writeNow(batch(1, [(item("a"), units(1)), (item("gone"), units(1))]), epoch: epoch)
    _ = try store.loadNow([item("a")], epoch: epoch)
  }

  private func end() throws {
    let totals = try PostgresStoreReader(fixture.connection, service: .stock).totals(of: stock)
    #expect(totals != nil && totals?.kept == totals?.found)
    store.close()
    proxy.end()
  }

  @Test func aCommitWithoutAnAnswerIsLookedUpAndNotRepeated() throws {
    proxy.set(.cutAtAnswer, passing: 1)
    try store.writeNow(batch(2, [(item("a"), units(2)), (item("gone"), nil)]), epoch: epoch)
    #expect(proxy.faultsMet == 1)
    let counters = store.counters
    #expect(counters.unknownCommits == 1 && counters.unknownCommitsWritten == 1)
    #expect(counters.transactions == 1, "only the first one's answer came")
    #expect(try fixture.sql("SELECT turn, log_offset FROM kassa.checkpoints") == "2|2")
    try store.writeNow(batch(3, [(item("b"), units(3))]), epoch: epoch)
    #expect(try store.loadNow([item("a"), item("gone"), item("b")], epoch: epoch) == [units(2), nil, units(3)])
    try end()
  }

  /// The rows; the header and the commit.
  @Test(arguments: [0, 1]) func aRequestThatNeverArrivedIsSentAgain(_ passing: Int) throws {
    proxy.set(.cutAtRequest, passing: passing)
    try store.writeNow(batch(2, [(item("a"), units(2))]), epoch: epoch)
    #expect(proxy.faultsMet == 1)
    let counters = store.counters
    #expect(counters.unknownCommits == 1 && counters.unknownCommitsWritten == 0 && counters.transactions == 2)
    #expect(try store.loadNow([item("a")], epoch: epoch) == [units(2)])
    try end()
  }

  @Test func rowsWithoutAnAnswerAreSentAgain() throws {
    proxy.set(.cutAtAnswer)
    try store.writeNow(batch(2, [(item("a"), units(2))]), epoch: epoch)
    #expect(proxy.faultsMet == 1)
    #expect(store.counters.unknownCommits == 1 && store.counters.unknownCommitsWritten == 0)
    #expect(try store.loadNow([item("a")], epoch: epoch) == [units(2)])
    try end()
  }

  /// The server still has the old connection's rows in its hands when newer ones are written already.
  @Test func rowsThatArriveLateChangeNothing() throws {
    proxy.set(.holdRequest)
    try store.writeNow(batch(2, [(item("a"), units(2)), (item("late"), units(2))]), epoch: epoch)
    #expect(proxy.faultsMet == 1)
    try store.writeNow(batch(3, [(item("a"), units(3)), (item("late"), nil)]), epoch: epoch)
    proxy.deliverHeld()
    #expect(eventually { proxy.lateAnswer.contains("DELETE 0") }, "\(proxy.lateAnswer)")
    #expect(proxy.lateAnswer.contains("UPDATE 0"), "\(proxy.lateAnswer)")
    #expect(try store.loadNow([item("a"), item("late")], epoch: epoch) == [units(3), nil])
    #expect(try fixture.sql("SELECT log_offset FROM kassa.checkpoints") == "3")
    try end()
  }

  /// The server waits for the old connection's commit, until it gives that up.
  @Test func aCommitThatArrivesLateChangesNothing() throws {
    proxy.set(.holdRequest, passing: 1)
    try store.writeNow(batch(2, [(item("a"), units(2)), (item("late"), units(2))]), epoch: epoch)
    #expect(proxy.faultsMet == 1)
    try store.writeNow(batch(3, [(item("a"), units(3)), (item("late"), nil)]), epoch: epoch)
    proxy.deliverHeld()
    #expect(try store.loadNow([item("a"), item("late")], epoch: epoch) == [units(3), nil])
    #expect(try fixture.sql("SELECT log_offset FROM kassa.checkpoints") == "3")
    try end()
  }

  @Test func aLoadIsAskedForAgain() throws {
    for fault in [CuttingProxy.Fault.cutAtRequest, .cutAtAnswer] {
      proxy.set(fault)
      #expect(try store.loadNow([item("a")], epoch: epoch) == [units(1)])
    }
    #expect(proxy.faultsMet == 2)
    try end()
  }

  @Test func anEpochIsRaisedAgain() throws {
    proxy.set(.cutAtAnswer)
    let ownership = try store.acquire(stock)
    #expect(ownership.epoch > epoch && ownership.recovery.header?.offset == 1)
    try store.writeNow(batch(2, [(item("a"), units(2))]), epoch: ownership.epoch)
    #expect(failure { try store.writeNow(batch(3, []), epoch: epoch) }?.code == .fenced)
    try end()
  }

  /// While nobody knows what became of a checkpoint, a new owner comes: the old one hears that it is fenced.
  @Test func anOwnerThatWasReplacedMeanwhileLearnsOfIt() throws {
    proxy.set(.holdRequest)
    let late = store.startWrite(batch(2, [(item("a"), units(2))]), epoch: epoch)
    #expect(eventually { proxy.faultsMet == 1 })
    proxy.setOpen(false)
    let other = try fixture.open()
    let newer = try other.acquire(stock)
    #expect(newer.recovery.header?.offset == 1)
    #expect(late.count == 0, "not told before it is known")
    proxy.setOpen(true)
    #expect(failure { try late.get() }?.code == .fenced)
    #expect(store.counters.fencedWrites == 1)
    #expect(try other.loadNow([item("a")], epoch: newer.epoch) == [units(1)])
    other.close()
    try end()
  }

  @Test func closingWhileTheServerIsAwayNotifiesEveryone() throws {
    proxy.set(.holdRequest)
    let unknown = store.startWrite(batch(2, [(item("a"), units(2))]), epoch: epoch)
    #expect(eventually { proxy.faultsMet == 1 })
    proxy.setOpen(false)
    let waiting = store.startWrite(batch(3, []), epoch: epoch)
    let load = store.startLoad([item("a")], epoch: epoch)
    store.close()
    #expect(failure { try unknown.get() }?.code == .write)
    #expect(failure { try waiting.get() } != nil && failure { _ = try load.get() } != nil)
    #expect(unknown.count == 1 && waiting.count == 1 && load.count == 1)
    proxy.end()
  }
}
