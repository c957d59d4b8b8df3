import Model
import PartitionCore
import Ports
import TestSupport
import Testing

/// What a checkpoint's messages and replies mean for the rows that are there.
@Suite struct UnsentRowsTests {
  /// Messages as `orders 3-5`, replies by their numbers; what is done as `-` and `+`, replies with their places.
  private static let table: [(name: String, before: String, after: String, change: String)] = [
    ("nothing", "", "", ""),
    ("first ones", "", "orders 1-3", "+orders 1 +orders 2 +orders 3"),
    ("the same", "orders 1-3", "orders 1-3", ""),
    ("acknowledged in front", "orders 1-3", "orders 3-3", "-orders 1-2"),
    ("added behind", "orders 1-2", "orders 1-4", "+orders 3 +orders 4"),
    ("both", "orders 1-2", "orders 2-3", "-orders 1-1 +orders 3"),
    ("all acknowledged", "orders 1-3", "", "-orders 1-3"),
    ("all acknowledged, the next ones caused", "orders 1-3", "orders 4-5", "-orders 1-3 +orders 4 +orders 5"),
    ("all acknowledged, later ones caused", "orders 1-3", "orders 7-7", "-orders 1-3 +orders 7"),
    (
      "each destination by itself", "orders 1-3 payments 5-6", "orders 2-3 payments 5-7",
      "-orders 1-1 +payments 7"
    ),
    ("a destination is done", "orders 1-1 payments 5-6", "payments 5-6", "-orders 1-1"),
    ("in the order of the table", "", "payments 1-1 orders 1-1", "+orders 1 +payments 1"),
    // No partition says these; then all is replaced.
    ("lower ones", "orders 3-4", "orders 1-4", "-orders 3-4 +orders 1 +orders 2 +orders 3 +orders 4"),
    ("fewer behind", "orders 1-4", "orders 1-3", "-orders 1-4 +orders 1 +orders 2 +orders 3"),
    ("a hole", "orders 1-1 orders 3-3", "orders 1-3", "-orders 1-3 +orders 1 +orders 2 +orders 3"),
    ("a new hole", "orders 1-2", "orders 1-1 orders 3-3", "-orders 1-2 +orders 1 +orders 3"),
    (
      "the highest number", "orders 18446744073709551615-18446744073709551615",
      "orders 18446744073709551615-18446744073709551615", ""
    ),
    ("first replies", "", "8 9", "+8@0 +9@1"),
    ("a reply is received", "7 8 9", "7 9", "-1"),
    ("a reply is added", "7 8", "7 8 9", "+9@2"),
    ("both of replies", "7 8", "8 9", "-0 +9@2"),
    ("all replies", "7 8", "", "-0 -1"),
    ("another order", "7 8 9", "8 7 9", "-0 -2 +7@3 +9@4"),
    ("in front", "8", "7 8", "-0 +7@1 +8@2"),
    ("twice", "7", "7 7", "+7@1"),
    ("messages and replies", "orders 1-1 7", "orders 2-2 8", "-orders 1-1 +orders 2 -0 +8@1"),
  ]

  @Test(arguments: table)
  func onlyWhatChangedIsWritten(_ name: String, _ before: String, _ after: String, _ change: String) {
    var rows = UnsentRows()
    let (old, new) = (Self.parse(before), Self.parse(after))
    _ = rows.replace(with: old.outbox, old.replies)
    let found = rows.replace(with: new.outbox, new.replies)
    #expect(Self.text(of: found) == change, "\(name)")
    #expect(found.isEmpty == change.isEmpty)
    #expect(rows.isEmpty == after.isEmpty)
  }

  /// What is remembered is what the rows are, whatever came before.
  @Test(arguments: 0..<20 as Range<UInt64>)
  func whatIsDoneLeadsToWhatIsSaid(_ seed: UInt64) {
    var state = seed &* 0x9e37_79b9_7f4a_7c15 | 1
    func below(_ bound: UInt64) -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state % bound
    }
    var rows = UnsentRows()
    var table: Set<OutboxRow> = []
    var placed: [Int64: CommandReply] = [:]
    for _ in 0..<200 {
      var outbox: [OutboxRow] = []
      for destination in [orders, payments] where below(4) > 0 {
        let first = 1 + below(6)
        outbox += messages(destination, first...(first + below(5)))
      }
      let replies = (0..<below(5)).map { _ in reply(below(7)) }
      let change = rows.replace(with: outbox, replies)
      for deleted in change.deletedMessages {
        table = table.filter { $0.destination != deleted.destination || !deleted.numbers.contains($0.number) }
      }
      for row in change.addedMessages {
        let isNew = table.insert(row).inserted
        #expect(isNew)
      }
      for place in change.deletedReplies {
        let deleted = placed.removeValue(forKey: place)
        #expect(deleted != nil)
      }
      for added in change.addedReplies {
        let before = placed.updateValue(added.reply, forKey: added.place)
        #expect(before == nil)
      }
      #expect(table == Set(outbox))
      #expect(placed.sorted { $0.key < $1.key }.map(\.value) == replies)
      // A store that is opened anew knows the same.
      if below(3) == 0 {
        let sorted = table.sorted { ($0.destination, $0.number) < ($1.destination, $1.number) }
        let replies = placed.sorted { $0.key < $1.key }.map { UnsentRows.PlacedReply(place: $0.key, reply: $0.value) }
        rows = UnsentRows(outbox: sorted, replies: replies)
      }
    }
  }

  @Test func partitionsAreStoredAsNumbers() {
    for partition in [PartitionID(.orders, 0), PartitionID(.stock, 63), PartitionID(.payments, 4_095)] {
      #expect(PartitionID(storedNumber: Int64(partition.storedNumber)) == partition)
    }
    for number in [-1, 3 << 12, Int64.min, .max] { #expect(PartitionID(storedNumber: number) == nil) }
  }

  private static func parse(_ text: String) -> (outbox: [OutboxRow], replies: [CommandReply]) {
    var (outbox, replies): ([OutboxRow], [CommandReply]) = ([], [])
    var destination: PartitionID?
    for word in text.split(separator: " ") {
      let numbers = word.split(separator: "-").compactMap { UInt64($0) }
      switch (word, numbers.count) {
      case ("orders", _): destination = orders
      case ("payments", _): destination = payments
      case (_, 2): outbox += destination.map { messages($0, numbers[0]...numbers[1]) } ?? []
      default: replies += numbers.map { reply($0) }
      }
    }
    return (outbox, replies)
  }

  private static func text(of change: UnsentRows.Change) -> String {
    var words = change.deletedMessages.map {
      "-\($0.destination.service.name) \($0.numbers.lowerBound)-\($0.numbers.upperBound)"
    }
    words += change.addedMessages.map { "+\($0.destination.service.name) \($0.number)" }
    words += change.deletedReplies.map { "-\($0)" }
    words += change.addedReplies.map { "+\($0.reply.request.number)@\($0.place)" }
    return words.joined(separator: " ")
  }
}
