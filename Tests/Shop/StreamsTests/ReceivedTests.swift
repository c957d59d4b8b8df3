import Model
import TestSupport
import Testing

@testable import Streams

@Suite struct ReceivedTests {
  private let order = StreamSource.partition(PartitionID(.orders, 1))
  private let session = StreamSource.session(Session(run: 7, lane: 2, number: 1))

  private func time(_ milliseconds: Int64) -> Timestamp { Timestamp(milliseconds: milliseconds) }

  @Test func onlyTheNextNumberIsAdmitted() {
    var received = ReceivedNumbers(partitionCount: 2, sessionLifeMilliseconds: 1_000)
    for source in [order, session] {
      expectEqual(received.admit(2, from: source, at: time(0)), .gap(expected: 1))
      expectEqual(received.admit(1, from: source, at: time(0)), .next)
      expectEqual(received.admit(1, from: source, at: time(0)), .repeated)
      expectEqual(received.admit(3, from: source, at: time(0)), .gap(expected: 2))
      expectEqual(received.admit(2, from: source, at: time(0)), .next)
      #expect(received.highest(of: source, at: time(0)) == 2)
    }
    let nowhere = StreamSource.partition(PartitionID(.orders, 2))
    expectEqual(received.admit(1, from: nowhere, at: time(0)), .unknownSource)
    #expect(received.highest(of: nowhere, at: time(0)) == nil)
  }

  /// Whether a row counts follows from the partition's time alone, not from who tidied up when.
  @Test func sessionsAreForgottenByThePartitionsTimeOnly() {
    var received = ReceivedNumbers(partitionCount: 2, sessionLifeMilliseconds: 1_000)
    expectEqual(received.admit(1, from: session, at: time(5_000)), .next)
    expectEqual(received.admit(1, from: order, at: time(5_000)), .next)
    #expect(received.highest(of: session, at: time(6_000)) == 1)
    #expect(received.highest(of: session, at: time(6_001)) == 0)
    #expect(received.highest(of: order, at: time(99_000)) == 1, "partitions are never forgotten")
    var tidied = received
    expectEqual(tidied.dropForgotten(at: time(6_000)).isEmpty, true)
    expectEqual(tidied.dropForgotten(at: time(6_001)), [session])
    #expect(tidied.rows(at: time(6_001)) == received.rows(at: time(6_001)))
    #expect(received.asOf(session, at: time(9_000)) == time(5_000), "not younger for being asked")
    #expect(tidied.asOf(session, at: time(9_000)) == time(9_000))
  }

  @Test func rowsOutliveACheckpoint() {
    var received = ReceivedNumbers(partitionCount: 2, sessionLifeMilliseconds: 1_000)
    expectEqual(received.admit(1, from: order, at: time(1)), .next)
    for number in 1...3 { expectEqual(received.admit(UInt64(number), from: session, at: time(1)), .next) }
    var restored = ReceivedNumbers(partitionCount: 2, sessionLifeMilliseconds: 1_000)
    restored.restore(received.rows(at: time(1)))
    #expect(restored == received)
    expectEqual(restored.admit(4, from: session, at: time(2)), .next)
    restored.restore([.init(source: .partition(PartitionID(.stock, 9)), number: 4, at: .zero)])
    #expect(restored.rows(at: time(2)).count == 2, "a partition that does not exist is ignored")
  }

  @Test func boundsAreChecked() {
    #expect(StreamLimits().contradiction == nil)
    var limits = StreamLimits()
    limits.frameInputsMax = 0
    #expect(limits.contradiction != nil)
  }
}
