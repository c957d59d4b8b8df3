import Model
import Testing

@testable import Kafka

/// What a pod sends about one partition. Each case is what happens, word by word, and the epochs that it sends.
///
///     a3   announces epoch 3      ok@7  the newest sending was written at offset 7     no   it was not written
///     s    looks what to send     r2@9  reads that epoch 2 was announced, at offset 9
@Suite struct AnnouncementBookTests {
  private static let table = """
    s                          |
    a3 s                       | 3
    a3 s s                     | 3       one at a time
    a3 s ok@7 s                | 3
    a3 s no s                  | 3 3     until it has arrived
    a3 a4 s ok@7 s             | 4       the newest only
    a3 s a4 ok@7 s ok@8 s      | 3 4
    a4 s a3 ok@7 s             | 4       an older one says nothing
    a3 s ok@7 r2@9 s ok@10 s   | 3 3     compaction would keep the older owner's
    a3 s ok@7 r2@5 s           | 3       it stands before
    a3 s r2@9 ok@7 s ok@10 s   | 3 3     read before the report came
    a3 s r2@5 ok@7 s           | 3
    a3 s ok@7 r4@9 s           | 3       the partition has gone
    a3 r4@9 s                  |
    a3 s ok@7 r4@9 r3@11 s     | 3
    a3 s ok@7 r4@9 a5 s        | 3 5     it came back
    """

  @Test func announcesTheNewestUntilItIsWritten() throws {
    for line in Self.table.split(separator: "\n") {
      let columns = line.split(separator: "|", omittingEmptySubsequences: false)
      var book = AnnouncementBook()
      var sent: [UInt64] = []
      var newest: UInt = 0
      for word in columns[0].split(separator: " ") {
        let numbers = word.drop { !$0.isNumber }.split(separator: "@").compactMap { Int64($0) }
        switch word.first {
        case "a": book.announce(try owner(UInt64(try #require(numbers.first))))
        case "r": book.read(try owner(UInt64(try #require(numbers.first))), at: try #require(numbers.last))
        case "o": book.reported(newest, offset: numbers.first)
        case "n": book.reported(newest, offset: nil)
        default:
          for (tag, owner) in book.takeSendable() {
            newest = tag
            sent.append(owner.epoch)
          }
        }
      }
      let expected = columns[1].split(separator: " ").prefix { UInt64($0) != nil }.compactMap { UInt64($0) }
      #expect(sent == expected, "\(line)")
    }
  }

  private func owner(_ epoch: UInt64) throws -> OwnerAnnouncement {
    OwnerAnnouncement(partition: PartitionID(.stock, 1), epoch: epoch, incarnation: epoch, state: .open)
  }
}
