import Foundation
import Model
import PartitionCore
import Postgres
import Ports
import Synchronization
import Testing

/// The server's clock beside the owner's.
@Suite struct ClockTests {
  /// What was asked, and what is answered.
  private final class Judge: Sendable {
    let told = Mutex<[Int64]>([])
    let complaint = Mutex<String?>(nil)

    func answer(_ time: Int64) -> String? {
      told.withLock { $0.append(time) }
      return complaint.withLock { $0 }
    }
  }

  @Test func anOwnerWhoseClockIsRefusedRaisesNoEpoch() throws {
    var fixture = try Fixture()
    let (judge, own) = (Judge(), try fixture.open())
    let epoch = try own.acquire(stock).epoch
    judge.complaint.withLock { $0 = "the clocks are years apart" }
    fixture.clock = { { judge.answer($0) } }
    let other = try fixture.open()
    let refusal = failure { _ = try other.acquire(stock) }
    #expect(refusal?.code == .clock && refusal?.message.contains("the clocks are years apart") == true)
    #expect(refusal?.message.contains(fixture.database) == true)
    try own.writeNow(batch(1, [(item("a"), units(1))]), epoch: epoch)
    #expect(other.counters.acquisitions == 0, "the owner goes on")
    judge.complaint.withLock { $0 = nil }
    #expect(try other.acquire(stock).epoch == epoch + 1)
    let now = Int64(Date().timeIntervalSince1970 * 1_000)
    #expect(judge.told.withLock { $0.count == 2 && $0.allSatisfy { abs($0 - now) < 60_000 } })
    other.close()
    own.close()
  }

  /// Takeovers come many at a time.
  @Test func theClockIsComparedOnceForManyPartitions() throws {
    let judge = Judge()
    var fixture = try Fixture()
    fixture.clock = { { judge.answer($0) } }
    let store = try fixture.open(partitions: 64) { $0.writerCount = 1 }
    for index in UInt16(0)..<64 { _ = try store.acquire(PartitionID(.stock, index)) }
    #expect(judge.told.withLock { (1..<64).contains($0.count) })
    store.close()
  }
}
