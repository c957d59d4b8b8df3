import Model
import Ports
import Testing
import Wire

@testable import Kafka

/// What a pod makes of the topic of the map. Each case is a sequence of records, written `OFFSET:WHAT`, and what the
/// pod `me`, whose own record of run 100 was written at offset 5, then knows and says.
///
///     me50  run 50 of me           me-  me has left         b70  run 70 of b
///     o3@70 epoch 3 by run 70      ?    rubbish             a3   (without an offset) me announces epoch 3
@Suite struct OwnersViewTests {
  private static let table = """
    5:me100                       | me100           |            |
    5:me100 6:b70                 | b70 me100       |            |
    5:me100 6:b70 7:b-            | me100           |            |
    5:me100 6:b70 8:b60           | b70 me100       |            |
    2:me50 5:me100                | me100           |            |
    5:me100 6:me-                 |                 |            | me    an older run's last words
    3:me- 5:me100                 | me100           |            |       before this run began
    5:me100 6:me50                | me100           |            | me    compaction would keep the older run's
    5:me100 6:me- 7:me100         | me100           |            |       told of again
    5:me100 6:me- 7:me100 9:me-   |                 |            | me    and denied again
    5:me100 6:me200               | me200           |            |       a newer run
    5:me100 6:me200 7:me-         |                 |            |       whose end is its own
    5:me100 6:? 7:?               | me100           |            |
    5:me100 a3                    | me100           | 3@100      | 3
    5:me100 6:o2@70 a3            | me100           | 3@100      | 3
    5:me100 6:o4@70 a3            | me100           | 4@70       |       nothing is said behind a newer owner
    5:me100 6:o3@70 a3            | me100           | 3@100      | 3
    5:me100 a3 6:o4@70            | me100           | 4@70       |
    5:me100 6:b70 7:o4@70 0:b70   | b70 me100       |            | me    the topic was made anew
    5:me100 6:me200 0:b70         | b70             |            |
    5:me100 a3 6:b70 0:b80        | b80 me100       | 3@100      | me 3
    5:me100 a3 6:b70 0:o2@80      | me100           | 3@100      | me 3
    5:me100 a3 6:b70 0:o5@80      | me100           | 5@80       | me
    """

  @Test func knowsAndSaysWhatFollows() throws {
    for line in Self.table.split(separator: "\n") {
      let columns = line.split(separator: "|", omittingEmptySubsequences: false)
      let expected = columns.dropFirst().map { $0.split(separator: " ").map(String.init) }
      var view = OwnersView(run: OwnRun(pod("me", 100), writtenAt: 5))
      for word in columns[0].split(separator: " ") {
        if word.first == "a" {
          _ = view.announce(owner(UInt64(word.dropFirst()) ?? 0, 100))
        } else {
          _ = view.read(try row(word), { _ in })
        }
      }
      let pods = view.snapshot.pods.values.map { "\($0.name)\($0.incarnation)" }.sorted()
      #expect(pods == expected[0], "\(line)")
      #expect(view.snapshot.allOwners.map { "\($0.epoch)@\($0.incarnation)" } == expected[1], "\(line)")
      var said = view.run.takeSendable() ? ["me"] : []
      said += view.book.takeSendable().map { "\($0.owner.epoch)" }
      #expect(said == Array(expected[2].prefix { $0 == "me" || UInt64($0) != nil }), "\(line)")
    }
  }

  @Test func whatIsSkippedIsCountedAndReportedOnce() throws {
    var view = OwnersView(run: OwnRun(pod("me", 100), writtenAt: 5))
    var told: [String] = []
    for offset in 0..<3 as Range<Int64> {
      let changed = view.read(
        OwnersTopic.Row(offset: offset, announcement: .failure(WireError("it is nothing"))), { told.append("\($0)") })
      #expect(!changed)
    }
    #expect(view.recordsPassedOver == 3)
    #expect(told == ["kafka owners: skipped the record at offset 0: it is nothing"])
  }

  /// One that was not written is sent again, one that is under way is not.
  @Test func theOwnRecordIsOnItsWayOnce() {
    var run = OwnRun(pod("me", 100), writtenAt: 5)
    run.read(.podLeft(name: "me"), at: 6)
    var said: [Bool] = []
    said += [run.takeSendable(), run.takeSendable()]
    run.reported(offset: nil)
    said += [run.takeSendable()]
    run.reported(offset: 7)
    said += [run.takeSendable()]
    run.read(.podLeft(name: "other"), at: 8)
    said += [run.takeSendable()]
    #expect(said == [true, false, true, false, false])
  }

  private func pod(_ name: String, _ incarnation: UInt64) -> PodAnnouncement {
    PodAnnouncement(name: name, incarnation: incarnation, host: "h", port: 1)
  }

  private func owner(_ epoch: UInt64, _ incarnation: UInt64) -> OwnerAnnouncement {
    OwnerAnnouncement(partition: PartitionID(.stock, 1), epoch: epoch, incarnation: incarnation, state: .open)
  }

  private func row(_ offset: Int64, _ announcement: Announcement) -> OwnersTopic.Row {
    OwnersTopic.Row(offset: offset, announcement: .success(announcement))
  }

  private func row(_ word: Substring) throws -> OwnersTopic.Row {
    let parts = word.split(separator: ":")
    let offset = try #require(Int64(parts[0]))
    let numbers = parts[1].split(whereSeparator: { !$0.isNumber }).compactMap { UInt64($0) }
    let name = String(parts[1].prefix { $0.isLetter })
    if name == "o" { return row(offset, .owner(owner(try #require(numbers.first), try #require(numbers.last)))) }
    if name.isEmpty { return OwnersTopic.Row(offset: offset, announcement: .failure(WireError("rubbish"))) }
    guard let incarnation = numbers.first else { return row(offset, .podLeft(name: name)) }
    return row(offset, .pod(pod(name, incarnation)))
  }
}
