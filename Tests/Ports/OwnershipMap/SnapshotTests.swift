import Model
import Testing

@testable import Ports

/// Each case is what arrives, word by word, and the map that it leaves.
///
///     A3      pod A announces its incarnation 3      A-    pod A has left
///     p5@3o   incarnation 3 announces partition p at epoch 5, open (r: replaying, f: full, s: stopped)
@Suite struct SnapshotTests {
  private static let table = """
    A3                    | A3            |
    A3 A4                 | A4            |
    A4 A3                 | A4            | an older run, late
    A3 B1                 | A3 B1         |
    A3 A-                 |               |
    A- B1                 | B1            |
    A3 A- A3              | A3            | it came back
    A3 p1@3r p1@3o        | A3 p1@3o      | the later of one epoch
    A3 p2@3o p1@7o        | A3 p2@3o      | the higher epoch, whatever the order
    A3 p1@7o p2@3r        | A3 p2@3r      |
    A3 p1@3o A-           | p1@3o         | it is not known where the owner is now
    A3 p1@3o q4@3f        | A3 p1@3o q4@3f |
    """

  @Test func takesTheNewest() throws {
    for line in Self.table.split(separator: "\n") {
      let columns = line.split(separator: "|", omittingEmptySubsequences: false)
      var snapshot = OwnershipSnapshot()
      for word in columns[0].split(separator: " ") { _ = snapshot.apply(try announcement(word)) }
      #expect(text(snapshot) == columns[1].split(separator: " ").joined(separator: " "), "\(line)")
    }
  }

  @Test func saysWhatIsNew() throws {
    var snapshot = OwnershipSnapshot()
    for (word, isNew) in [
      ("A3", true), ("A3", false), ("A2", false), ("p1@3o", true), ("p1@3o", false), ("p1@3f", true), ("B-", false),
      ("A-", true),
    ] {
      #expect(snapshot.apply(try announcement(Substring(word))) == isNew, "\(word)")
    }
  }

  @Test func podsOfOneWorldHearOfEachOther() {
    let world = MemoryOwnershipWorld()
    let a = world.join(PodAnnouncement(name: "a", incarnation: 1, host: "127.0.0.1", port: 1))
    let before = a.version
    let b = world.join(PodAnnouncement(name: "b", incarnation: 2, host: "127.0.0.1", port: 2))
    #expect(a.version > before && a.snapshot().pods.count == 2)
    b.announce(OwnerAnnouncement(partition: PartitionID(.stock, 3), epoch: 1, incarnation: 2, state: .open))
    #expect(a.snapshot().owner(of: PartitionID(.stock, 3))?.incarnation == 2)
    b.close()
    #expect(a.snapshot().pods.keys.sorted() == [1])
  }

  @Test func anEndingRunLeavesItsSuccessorAlone() {
    let world = MemoryOwnershipWorld()
    func join(_ incarnation: UInt64) -> MemoryOwnershipMap {
      world.join(PodAnnouncement(name: "a", incarnation: incarnation, host: "127.0.0.1", port: 1))
    }
    let (older, newer) = (join(1), join(2))
    let before = newer.version
    older.close()
    #expect(newer.snapshot().pods.keys.sorted() == [2] && newer.version == before)
    newer.close()
    #expect(newer.snapshot().pods.isEmpty && newer.version > before)
  }

  private func announcement(_ word: Substring) throws -> Announcement {
    let name = String(try #require(word.first))
    if word.dropFirst() == "-" { return .podLeft(name: name) }
    let numbers = word.dropFirst().split(separator: "@")
    guard numbers.count == 2 else {
      let incarnation = try #require(UInt64(word.dropFirst()))
      return .pod(PodAnnouncement(name: name, incarnation: incarnation, host: "127.0.0.1", port: 1))
    }
    let state: OwnerAnnouncement.State =
      switch word.last {
      case "r": .replaying
      case "f": .full
      case "s": .stopped
      default: .open
      }
    return .owner(
      OwnerAnnouncement(
        partition: PartitionID(.stock, name == "p" ? 0 : 1), epoch: try #require(UInt64(numbers[0])),
        incarnation: try #require(UInt64(numbers[1].dropLast())), state: state))
  }

  private func text(_ snapshot: OwnershipSnapshot) -> String {
    let pods = snapshot.pods.values.map { "\($0.name)\($0.incarnation)" }.sorted()
    let owners = snapshot.allOwners.map { owner in
      let state =
        switch owner.state {
        case .replaying: "r"
        case .open: "o"
        case .full: "f"
        case .stopped: "s"
        }
      return "\(owner.partition.index == 0 ? "p" : "q")\(owner.epoch)@\(owner.incarnation)\(state)"
    }
    return (pods + owners).joined(separator: " ")
  }
}
