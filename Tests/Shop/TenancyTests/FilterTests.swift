import Model
import PartitionCore
import Streams
import Testing

@testable import Tenancy

/// Each case is a log, word by word, and what becomes of each record: `+` counts, `-` is void, `!` stops the partition.
///
///     o3a    Owned of epoch 3, run a          3a7    record 7 of epoch 3, run a
@Suite struct FilterTests {
  private static let table = """
    | o1a 1a1 1a2 1a3                | + + + +
    | o1a 1a1 1a1 1a2                | + + - +      a producer's repetition
    | o1a 1a1 1a2 1a1 1a2 1a3        | + + + - - +
    | o1a 1a1 1a3                    | + + !        one is lost
    | o1a 1a1 o2b 1a2 2b2 1a3 2b3    | + + + - + - +  what the one before appends behind it is void
    | o1a 1a1 o2b 2b3                | + + + !
    | o1a o3c 3c1 o2b 2b1 3c2        | + + + - - +  a late Owned of an epoch that is over
    | o1a 1a1 o1b 1b2 1a2            | + + - - +    a restored store gave epoch 1 out once more: the first has it
    | o1a o1a 1a1                    | + - +        said twice
    | o1a 2b1                        | + !          an owner that never announced itself
    | 1a1                            | !
    5x4 | 5x4 5x5                    | - +          after a checkpoint that holds record 4 of epoch 5
    5x4 | o6y 6y5 5x5                | + + -
    5x4 | 4w9 5x5                    | - +
    5x4 | 5z5                        | -
    5x4 | o5z 5z5 o6z 6z5            | - - + +      acquired above it
    5x4 | 5x6                        | !
    """

  @Test func table() throws {
    for line in Self.table.split(separator: "\n") {
      let columns = line.split(separator: "|", omittingEmptySubsequences: false).map { $0.split(separator: " ") }
      let start = try columns[0].first.map(parse)
      var filter = RecordFilter(owner: start?.owner, number: start.map(number) ?? 0)
      let verdicts = try columns[1].map { word in
        switch filter.judge(try parse(word)) {
        case .counted: "+"
        case .void: "-"
        case .broken: "!"
        }
      }
      let expected = columns[2].prefix { ["+", "-", "!"].contains($0) }.map(String.init)
      #expect(verdicts == expected, "\(line)")
    }
  }

  private func number(_ record: LogRecord) -> UInt64 {
    if case .turn(let record) = record { record.number } else { 0 }
  }

  private func parse(_ word: Substring) throws -> LogRecord {
    let isOwned = word.first == "o"
    let digits = word.drop { $0 == "o" }
    let epoch = try #require(UInt64(digits.prefix { $0.isNumber }))
    let letter = try #require(digits.drop { $0.isNumber }.first?.asciiValue)
    if isOwned {
      return .owned(try #require(Owner(epoch: epoch, incarnation: UInt64(letter), address: "here")))
    }
    let number = try #require(UInt64(digits.drop { $0.isNumber }.dropFirst()))
    return .turn(
      TurnRecord(owner: OwnerID(epoch: epoch, run: UInt64(letter)), number: number, time: .zero, entries: []))
  }

  @Test func aVerdictSaysWhy() {
    var filter = RecordFilter(owner: OwnerID(epoch: 2, run: 1), number: 4)
    let record = TurnRecord(owner: OwnerID(epoch: 2, run: 1), number: 7, time: .zero, entries: [])
    guard case .broken(let reason) = filter.judge(.turn(record)) else {
      Issue.record("it counts")
      return
    }
    #expect(reason.description == "record 7 comes where 5 is expected")
  }
}

/// The lease runs from the sending of an append that was confirmed.
@Suite struct LeaseTests {
  @Test func itRunsFromTheSending() {
    var lease = Lease(milliseconds: 1_000)
    #expect(!lease.holds(at: 0) && lease.needsRenewal(at: 0))
    lease.confirmed(sentAt: 100, at: 900)
    #expect(lease.holds(at: 1_099) && !lease.holds(at: 1_100))
    #expect(!lease.needsRenewal(at: 599) && lease.needsRenewal(at: 600))
    lease.confirmed(sentAt: 50, at: 950)
    #expect(!lease.holds(at: 1_100), "an older append does not take it back, nor make it longer")
    lease.confirmed(sentAt: 1_000, at: 5_000)
    #expect(!lease.holds(at: 5_000), "what was confirmed too late grants nothing")
    lease.end()
    #expect(!lease.holds(at: 1_001))
    #expect(lease.waitMilliseconds == 1_100)
  }
  /// The planted mistake outlasts what a successor waits for; the rule does not.
  @Test func aLeaseThatIsTwiceAsLongHoldsTooLong() {
    func isOver(_ planted: TenancyBug?) -> Bool {
      var lease = Lease(milliseconds: 1_000, planted: planted)
      lease.confirmed(sentAt: 100, at: 110)
      return !lease.holds(at: 100 + lease.waitMilliseconds)
    }
    #expect(isOver(nil))
    #expect(!isOver(.leaseTwiceAsLong))
  }
}
