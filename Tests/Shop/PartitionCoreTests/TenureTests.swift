import Model
import Testing

@testable import PartitionCore

/// Each case is what an owner with epoch 5 reads and what its clock says, word by word, and how it stands then.
///
///     o5       reads Owned(5)             r4    reads Released(4)
///     O5       reads Owned(5) of another run
///     @1000    the clock says 1,000 ms    ?     a read comes: sends a tick if one is due
///     t1       reads its own tick 1       T1    reads tick 1 of epoch 4
///                                         X1    reads tick 1 of epoch 5 of another run
@Suite struct TenureTests {
  /// Leases of 1,000 ms; a new owner waits for 1,100.
  private static let table = """
    from the middle |                            | announced
    from the middle | o5                         | waiting
    from the middle | r4 o5                      | serving    the epoch just before is gone
    from the middle | r3 o5                      | waiting    epoch 4 may have begun before the first record here
    from the middle | o3 r3 o5                   | waiting    said twice: 4 may have begun before the first record here
    from the middle | o3 r3 o4 o5                | waiting    4 did not release
    from the middle | o4 o5 r4                   | serving
    from the middle | o3 o5 r3                   | waiting
    from the middle | o4 o5 r3                   | waiting    4 is the one to wait for
    from the middle | o5 r5                      | waiting    its own release is no predecessor's
    from the middle | @500 o5 @600 @1699         | waiting    the wait begins when it is known that Owned came back
    from the middle | @500 o5 @600 @1700         | serving
    from the middle | @500 @9000 o5              | waiting
    from the middle | o5 o5 @0 @1100             | serving    said twice, waited once
    from the middle | o6                         | superseded 6
    from the middle | o5 o6                      | superseded 6
    from the middle | r4 o5 o7 o6                | superseded 7
    from the middle | o6 o5                      | superseded 6
    from the middle | o5 o6 r4 @0 @5000          | superseded 6
    from the middle | O4 o5                      | waiting
    from the middle | O5                         | superseded 5   a restored store gave out 5 once more
    from the middle | O5 o5                      | superseded 5
    from the middle | r4 o5 O5                   | superseded 5
    from the start  |                            | announced
    from the start  | o5                         | serving    nobody was there before
    from the start  | o4 o5                      | waiting
    from the start  | o4 r4 o5                   | serving
    from the start  | o3 r3 o5                   | serving    nobody came between 3 and 5
    from the start  | o3 o4 o3 r3 o5             | waiting    3 said twice does not hide 4
    from the start  | o3 o5 r3                   | serving
    from the start  | o5 o4                      | serving    an older one, late: it read 5 first and never serves
    """

  @Test func phases() throws {
    for line in Self.table.split(separator: "\n") {
      let columns = line.split(separator: "|", omittingEmptySubsequences: false).map { $0.split(separator: " ") }
      var owner = TestOwner(isFromTheBeginning: columns[0].last == "start")
      for word in columns[1] { try owner.take(word) }
      let phase =
        switch owner.tenure.phase {
        case .announced: "announced"
        case .waiting: "waiting"
        case .serving: "serving"
        case .superseded(let epoch): "superseded \(epoch)"
        }
      let expected = columns[2].prefix(columns[2].first == "superseded" ? 2 : 1).joined(separator: " ")
      #expect(phase == expected, "\(line)")
    }
  }

  /// What comes behind `>` is whether a read may be answered at the end, and the number of the newest tick sent.
  private static let leases = """
    o5 @100                       > no  0   serving alone is no lease
    o5 @100 ?                     > no  1   sent, not come back
    o5 @100 ? @200 t1             > yes 1
    o5 @100 ? @1099 t1            > yes 1   counts from when it was sent
    o5 @100 ? @1100 t1            > no  1
    o5 @100 ? @200 t1 @500 ?      > yes 1   not due yet
    o5 @100 ? @200 t1 @600 ?      > yes 2   renewed at half of its time
    o5 @100 ? @200 t1 @600 ? @700 ? > yes 2   one at a time
    o5 @100 ? @600 ?              > no  1   under way
    o5 @100 ? @1100 ?             > no  2   its fate is unknown: another one
    o5 @100 ? @1100 ? t1          > no  2   the older one comes late and counts no more
    o5 @100 ? @1100 ? t1 t2       > yes 2
    o5 @100 ? T1                  > no  1   another epoch's
    o5 @100 ? X1                  > no  1   the same epoch's, of another run
    o5 @100 ? o6 t1               > no  1   behind a higher epoch
    o5 @100 ? t1 o6               > no  1
    """

  @Test func readsNeedALease() throws {
    for line in Self.leases.split(separator: "\n") {
      let columns = line.split(separator: ">").map { $0.split(separator: " ") }
      var owner = TestOwner(isFromTheBeginning: true)
      for word in columns[0] { try owner.take(word) }
      #expect(owner.tenure.mayRead(owner.now) == (columns[1][0] == "yes"), "\(line)")
      #expect(owner.lastTick == UInt64(columns[1][1]), "\(line)")
    }
  }

  @Test func onlyWhoServedReleases() throws {
    for (words, hasServed) in [("o5", false), ("o5 o6", false), ("r4 o5", true), ("r4 o5 o6", true)] {
      var owner = TestOwner(isFromTheBeginning: false)
      for word in words.split(separator: " ") { try owner.take(word) }
      #expect(owner.tenure.hasServed == hasServed, "\(words)")
    }
  }

  @Test func whoWaitedKnowsWhenTheLeaseIsOver() throws {
    let cases: [(String, Int64?)] = [
      ("o5", nil), ("@500 o5", nil), ("o5 @500", 1_600), ("o5 @500 @900 o6", 1_600), ("o5 o6 @500", nil),
      ("o5 @500 @1600", nil), ("o5 @500 r4", nil), ("r4 o5", nil),
    ]
    for (words, at) in cases {
      var owner = TestOwner(isFromTheBeginning: false)
      for word in words.split(separator: " ") { try owner.take(word) }
      #expect(owner.tenure.knowsReleasedAt == at, "\(words)")
    }
  }
}

private struct TestOwner {
  var tenure: Tenure
  var now: Int64 = 0
  var lastTick: UInt64 = 0

  init(isFromTheBeginning: Bool) {
    tenure = Tenure(epoch: 5, incarnation: 1, leaseMilliseconds: 1_000, isFromTheBeginning: isFromTheBeginning)
  }

  mutating func take(_ word: Substring) throws {
    let number = UInt64(word.dropFirst())
    switch word.first {
    case "o", "O":
      let owner = Owner(epoch: try #require(number), incarnation: word.first == "o" ? 1 : 2, address: "a:1")
      tenure.read(.owned(try #require(owner)))
    case "r": tenure.read(.released(epoch: try #require(number)))
    case "t": tenure.read(.tick(epoch: 5, number: Tenure.ticks(of: 1) + (try #require(number))))
    case "T": tenure.read(.tick(epoch: 4, number: Tenure.ticks(of: 1) + (try #require(number))))
    case "X": tenure.read(.tick(epoch: 5, number: Tenure.ticks(of: 2) + (try #require(number))))
    case "?": lastTick = tenure.tickToSend(now).map { $0 - Tenure.ticks(of: 1) } ?? lastTick
    default:
      now = Int64(try #require(number))
      tenure.pass(now)
    }
  }
}
