import Ports
import Model
import PartitionCore
import TestSupport
import Testing

/// What the sequencer of records decides, one step after the other, without threads.
///
/// A script has one step a line and, behind the bar, what it leads to:
/// ```
/// 0: orders*3 stock > 1 2   lane 0 appends these, and expects lanes 1 and 2: what waits, and whether a group is due
/// 0: orders(500)            a record of 500 bytes; otherwise it has 1
/// 0 ends                    the end of a turn: the same
/// begin                     the records of the group
/// done                      the lanes to be told
/// 0 takes                   its confirmations
/// fail                      the log fails
/// ```
@Suite struct RecordSequencerTests {
  struct Script: CustomTestStringConvertible, Sendable {
    let name: String
    var limits = LogLimits()
    let text: String
    var testDescription: String { name }

    init(_ name: String, _ text: String) { self.init(name, { _ in }, text) }

    init(_ name: String, _ change: (inout LogLimits) -> Void, _ text: String) {
      self.name = name
      self.text = text
      change(&limits)
    }
  }

  static let scripts = [
    Script(
      "offsets have no gaps, whoever appends, and records keep their order",
      """
      0: orders*2 stock  | 3
      1: orders          | 4
      0: stock orders    | 6
      0 ends             | 6 due
      begin              | orders-0@0 orders-0@1 stock-0@0 orders-0@2 stock-0@1 orders-0@3
      done               | tells 0 1
      0 takes            | orders-0@0#1 orders-0@1#2 stock-0@0#3 stock-0@1#5 orders-0@3#6
      1 takes            | orders-0@2#4
      1 takes            |
      1: orders stock    | 2
      1 ends             | 2 due
      begin              | orders-0@4 stock-0@2
      """),
    Script(
      "a group is due when nobody is expected to append any more",
      """
      0: orders > 1      | 1
      0 ends             | 1
      1: stock > 0 2     | 2
      1 ends             | 2
      2 ends             | 2
      0: orders          | 3
      0 ends             | 3 due
      begin              | orders-0@0 stock-0@0 orders-0@1
      """),
    Script(
      "a group is not due before a turn has ended",
      """
      0: orders          | 1
      1: stock           | 2
      1 ends             | 2 due
      """),
    Script(
      "an expectation that is set before the mail outlives the turn of whoever sends",
      """
      0: orders > 1      | 1
      0 ends             | 1
      1: stock > 0       | 2
      1 ends             | 2
      0: orders          | 3
      0 ends             | 3 due
      """),
    Script(
      "a lane is expected once, however often it is said",
      """
      0: orders > 1 1    | 1
      0: orders > 1      | 2
      0 ends             | 2
      1 ends             | 2 due
      """),
    Script(
      "a turn that was under way ends an expectation early: a group more, and nothing waits",
      """
      0: orders > 1      | 1
      0 ends             | 1
      1 ends             | 1 due
      begin              | orders-0@0
      1: stock           | 1
      1 ends             | 1
      done               | tells 0
      0 ends             | 1 due
      """),
    Script(
      "what ended during a commit counts for the next group",
      """
      0: orders          | 1
      0 ends             | 1 due
      begin              | orders-0@0
      begin              |
      0: orders > 1      | 1
      0 ends             | 1
      1 ends             | 1
      done               | tells 0
      look               | 1 due
      begin              | orders-0@1
      """),
    Script(
      "ends of turns begin a group whoever is expected", { $0.groupHintsMax = 3 },
      """
      1 ends             | 0
      1 ends             | 0
      0: orders > 2      | 1
      0 ends             | 1
      1 ends             | 1
      0 ends             | 1 due
      begin              | orders-0@0
      done               | tells 0
      0: orders          | 1
      0 ends             | 1
      1 ends             | 1
      2 ends             | 1 due
      """),
    Script(
      "so do records", { $0.groupRecordsDue = 3 },
      """
      0: orders*2 > 1    | 2
      0: orders          | 3 full
      begin              | orders-0@0 orders-0@1 orders-0@2
      0: orders*3        | 3
      done               | tells 0
      look               | 3 full
      """),
    Script(
      "so do bytes", { $0.groupBytesDue = 100 },
      """
      0: orders(99) > 1  | 1
      0: orders(1)       | 2 full
      begin              | orders-0@0 orders-0@1
      done               | tells 0
      0: orders(99)      | 1
      """),
    Script(
      "records past the bound are a backlog until a group begins, and are taken all the same",
      { limits in
        limits.queuedRecordsMax = 2
        limits.groupRecordsDue = 2
      },
      """
      0: orders          | 1
      0: orders          | 2 full backlog
      0: orders          | 3 full backlog
      begin              | orders-0@0 orders-0@1 orders-0@2
      look               | 0
      0: orders          | 1
      """),
    Script(
      "so are bytes",
      { limits in
        limits.queuedBytesMax = 10
        limits.groupBytesDue = 10
      },
      """
      0: orders(9)       | 1
      0: stock(1)        | 2 full backlog
      begin              | orders-0@0 stock-0@0
      look               | 0
      """),
    Script(
      "a lane is told once for what it has not taken",
      """
      0: orders          | 1
      0 ends             | 1 due
      begin              | orders-0@0
      done               | tells 0
      0: orders          | 1
      1: stock           | 2
      0 ends             | 2 due
      begin              | orders-0@1 stock-0@0
      done               | tells 1
      0 takes            | orders-0@0#1 orders-0@1#2
      """),
    Script(
      "a log that failed keeps what it confirmed, and confirms and takes nothing more",
      """
      0: orders          | 1
      0 ends             | 1 due
      begin              | orders-0@0
      done               | tells 0
      0: orders          | 1
      0 ends             | 1 due
      begin              | orders-0@1
      0: orders          | 1
      fail               | the first failure
      fail again         | the first failure
      done               | tells
      0 takes            | orders-0@0#1
      0: orders          | 1 backlog
      0 ends             | 1 backlog
      begin              |
      """),
    Script(
      "partitions and lanes that do not exist are left out",
      """
      0: orders nowhere stock > 9 | 2
      9: orders          | 3
      9 ends             | 3 due
      begin              | orders-0@0 stock-0@0 orders-0@1
      done               | tells 0
      9 takes            |
      """),
    Script(
      "an owner's announcement is confirmed without a number",
      """
      0: owned           | 1
      0 ends             | 1 due
      begin              | payments-0@0
      done               | tells 0
      0 takes            | payments-0@0#-
      """),
  ]

  @Test(arguments: scripts)
  func followsTheScript(_ script: Script) throws {
    #expect(script.limits.contradiction == nil)
    var machine = Machine(script.limits)
    for (index, line) in script.text.split(separator: "\n").enumerated() {
      let parts = line.split(separator: "|", omittingEmptySubsequences: false).map {
        $0.split(separator: " ").joined(separator: " ")
      }
      guard parts.count == 2 else {
        Issue.record("line \(index + 1) is no step: \(line)")
        return
      }
      expectEqual(try machine.step(parts[0]), parts[1], "line \(index + 1): \(parts[0])")
    }
  }

  /// The machine, driven by words.
  private struct Machine {
    struct Bytes: LogBody {
      let byteCount: Int
    }

    var log: RecordSequencer<Bytes>
    var newest: UInt64 = 0
    var failures = 0
    /// Records that are being written.
    var writing = 0

    init(_ limits: LogLimits) {
      log = RecordSequencer(partitionCount: 1, limits: limits, durable: 0, nextOffsets: [])
      log.attach(laneCount: 3)
    }

    mutating func step(_ text: String) throws -> String {
      let words = text.split(separator: " ").map(String.init)
      switch (words.first ?? "", words.last ?? "") {
      case ("begin", _):
        let rows = log.beginCommit()
        writing += rows.count
        return rows.map { "\($0.partition)@\($0.offset)" }.joined(separator: " ")
      case ("done", _):
        if log.failure == nil { writing = 0 }
        return (["tells"] + log.endCommit().map(String.init)).joined(separator: " ")
      case ("look", _): return standing
      case ("fail", _):
        failures += 1
        log.fail(LogFailure(.write, failures == 1 ? "the first failure" : "another failure"))
        return log.failure?.message ?? ""
      case (let lane, "takes"): return log.takeConfirmations(of: Int(lane) ?? -1).map(\.text).joined(separator: " ")
      case (let lane, "ends"):
        log.turnEnded(by: Int(lane) ?? -1)
        return standing
      case (let lane, _):
        let isBefore = words.firstIndex(of: ">") ?? words.count
        for other in words.dropFirst(isBefore + 1) { log.expect(Int(other) ?? -1) }
        try append(words[1..<isBefore], by: Int(lane.dropLast()) ?? -1)
        return standing
      }
    }

    private mutating func append(_ words: ArraySlice<String>, by lane: Int) throws {
      var appends: [RecordAppend] = []
      var bodies: [Bytes] = []
      for word in words {
        let parts = word.split { "*()".contains($0) }.map(String.init)
        let second = parts.count > 1 ? Int(parts[1]) ?? 0 : 1
        for _ in 0..<(word.contains("*") ? second : 1) {
          newest += 1
          switch parts[0] {
          case "orders": appends.append(logAppend(PartitionID(.orders, 0), newest))
          case "stock": appends.append(logAppend(PartitionID(.stock, 0), newest))
          case "owned": appends.append(try ownedAppend(PartitionID(.payments, 0)))
          default: appends.append(logAppend(PartitionID(.stock, 7), newest))
          }
          bodies.append(Bytes(byteCount: word.contains("(") ? second : 1))
        }
      }
      log.append(appends, bodies: bodies, by: lane)
    }

    /// What waits, whether a group could begin, and whether new commands should be.
    private var standing: String {
      "\(log.pendingRecords - writing)" + (log.isGroupFull ? " full" : log.isGroupDue ? " due" : "")
        + (log.isBacklogged ? " backlog" : "")
    }
  }

  @Test func continuesAfterWhatIsDurable() {
    var log = RecordSequencer<NoBytes>(
      partitionCount: 2, limits: LogLimits(), durable: 7, nextOffsets: [4, 0, 3])
    log.attach(laneCount: 1)
    let partitions = [
      PartitionID(.orders, 0), PartitionID(.orders, 1), PartitionID(.stock, 0), PartitionID(.payments, 1),
    ]
    #expect(partitions.map { log.nextOffset(of: $0) } == [4, 0, 3, 0])
    #expect(log.nextOffset(of: PartitionID(.orders, 2)) == 0)
    log.append(partitions.map { logAppend($0, 1) }, bodies: partitions.map { _ in NoBytes() }, by: 0)
    #expect(log.durable == 7)
    log.turnEnded(by: 0)
    let rows = log.beginCommit()
    #expect(rows.map(\.sequence) == [8, 9, 10, 11])
    #expect(rows.map(\.offset) == [4, 0, 3, 0])
    _ = log.endCommit()
    #expect(log.durable == 11)
  }

  @Test func newLanesBeginWithNothing() {
    var log = RecordSequencer<NoBytes>(partitionCount: 1, limits: LogLimits(), durable: 0, nextOffsets: [])
    log.attach(laneCount: 2)
    log.append([logAppend(PartitionID(.orders, 0), 1)], bodies: [NoBytes()], by: 1)
    log.turnEnded(by: 1)
    _ = log.beginCommit()
    expectEqual(log.endCommit(), [1])
    log.expect(1)
    log.attach(laneCount: 1)
    expectEqual(log.takeConfirmations(of: 0), [])
    expectEqual(log.takeConfirmations(of: 1), [])
    log.append([logAppend(PartitionID(.orders, 0), 2)], bodies: [NoBytes()], by: 0)
    log.turnEnded(by: 0)
    #expect(log.isGroupDue, "the lane that was expected is gone")
  }

  private struct NoBytes: LogBody {
    var byteCount: Int { 0 }
  }
}
