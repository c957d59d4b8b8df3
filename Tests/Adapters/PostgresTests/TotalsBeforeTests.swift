import Model
import PartitionCore
import Postgres
import Ports
import TestSupport
import Testing
import Wire

/// From which totals a checkpoint goes on.
@Suite struct TotalsBeforeTests {
  @Test func countsWhatAnEarlierVersionLeft() throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    let epoch = try store.acquire(stock).epoch
    let rows = (1...9).map { (item("\($0)"), units($0) as Entity?) }
    try store.writeNow(batch(1, rows), epoch: epoch)
    let reader = try fixture.reader()
    // Without totals.
    try fixture.sql("UPDATE kassa.checkpoints SET header = '\\x0a0408021001180120013200' WHERE partition = 1")
    #expect(try reader.totals(of: stock) == nil)
    try store.writeNow(batch(2, [(item("1"), units(7)), (item("c"), units(3))]), epoch: epoch)
    let after = try #require(try reader.totals(of: stock))
    #expect(after.kept == after.found && after.kept.description.hasPrefix("10 items"))
    try fixture.sql("DELETE FROM kassa.entities WHERE key = '3'")
    let lost = try #require(try reader.totals(of: stock))
    #expect(lost.kept == after.kept && lost.kept != lost.found)
    store.close()
  }

  @Test func refusesToContinueFromDamagedOnes() throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    let epoch = try store.acquire(stock).epoch
    try store.writeNow(batch(1, [(item("a"), units(1))]), epoch: epoch)
    try fixture.sql("UPDATE kassa.checkpoints SET header = '\\x0a040802100118012001320072021101' WHERE partition = 1")
    let refusal = failure { try store.writeNow(batch(2, [(item("a"), units(2))]), epoch: epoch) }
    #expect(refusal?.code == .format && refusal?.message.contains("checkpoint of stock-1 is damaged") == true)
    #expect(try store.loadNow([item("a")], epoch: epoch) == [units(1)])
    #expect(failure { _ = try fixture.reader().totals(of: stock) }?.code == .format)
    store.close()
  }
}
