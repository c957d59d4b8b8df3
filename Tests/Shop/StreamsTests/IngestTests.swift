import Model
import TestSupport
import Testing

@testable import Streams

/// Each case is a sequence of numbers from an ingest log, and what becomes of each: `+` is admitted, `-` came before.
@Suite struct IngestTests {
  private static let table = """
    1 2 3       | + + +
    5 9 10      | + + +     offsets have gaps: the log begins later, is compacted, or has transactions
    3 3 4       | + - +     read once more
    3 1 2 4     | + - - +   read from an earlier place
    7 0         | + -
    """

  @Test func table() {
    for line in Self.table.split(separator: "\n") {
      let columns = line.split(separator: "|").map { $0.split(separator: " ") }
      var received = ReceivedNumbers(partitionCount: 1, sessionLifeMilliseconds: 1_000)
      let verdicts = columns[0].map { number -> String in
        let admission = received.admit(UInt64(number) ?? 0, from: .ingest, at: .zero)
        return admission == .next ? "+" : admission == .repeated ? "-" : "\(admission)"
      }
      #expect(verdicts == columns[1].prefix { ["+", "-"].contains($0) }.map(String.init), "\(line)")
    }
  }

  @Test func itsNumberOutlivesACheckpointAndAnyTime() {
    var received = ReceivedNumbers(partitionCount: 1, sessionLifeMilliseconds: 1_000)
    expectEqual(received.admit(41, from: .ingest, at: .zero), .next)
    expectEqual(received.dropForgotten(at: Timestamp(milliseconds: 9_000)).isEmpty, true)
    var restored = ReceivedNumbers(partitionCount: 1, sessionLifeMilliseconds: 1_000)
    restored.restore(received.rows(at: Timestamp(milliseconds: 9_000)))
    #expect(restored == received)
    expectEqual(restored.admit(41, from: .ingest, at: .zero), .repeated)
    expectEqual(restored.admit(43, from: .ingest, at: .zero), .next)
  }

  @Test func itIsOneOfTheNumbersBySource() {
    var numbers = NumbersBySource(partitionCount: 1)
    numbers[.ingest] = 7
    #expect(numbers[.ingest] == 7 && numbers[.partition(PartitionID(.stock, 0))] == 0)
  }
}
