import Model
import PartitionCore

/// What a store has of a partition's unacknowledged messages and replies: enough to write only what changes when a
/// checkpoint replaces them.
///
/// The messages to one destination are numbered without gaps; they are removed at the front and added at the back. So
/// each destination's first and last numbers suffice. Replies come and go anywhere; each has a *place* that keeps their
/// order. A store knows this from when the partition was acquired, and from what it has written since.
package struct UnsentRows: Hashable, Sendable {
  /// A reply, and its place among the partition's others.
  package struct PlacedReply: Hashable, Sendable {
    package let place: Int64
    package let reply: CommandReply

    package init(place: Int64, reply: CommandReply) {
      self.place = place
      self.reply = reply
    }
  }

  /// Messages to one destination.
  package struct Messages: Hashable, Sendable {
    package let destination: PartitionID
    package let numbers: ClosedRange<UInt64>
  }

  /// The changes to the rows, deletions first.
  package struct Change: Hashable, Sendable {
    package fileprivate(set) var deletedMessages: [Messages] = []
    /// Ascending by destination and number.
    package fileprivate(set) var addedMessages: [OutboxRow] = []
    package fileprivate(set) var deletedReplies: [Int64] = []
    package fileprivate(set) var addedReplies: [PlacedReply] = []

    package init() {}

    package var isEmpty: Bool {
      deletedMessages.isEmpty && addedMessages.isEmpty && deletedReplies.isEmpty && addedReplies.isEmpty
    }
  }

  /// Places are below this, so that there is always a next one.
  package static let placesMax = Int64(1) << 62

  private struct Span: Hashable, Sendable {
    var first: UInt64
    var last: UInt64
    var isDense = true

    mutating func add(_ number: UInt64) {
      isDense = isDense && last < .max && number == last + 1
      first = min(first, number)
      last = max(last, number)
    }

    /// Whether it differs from an older one only by removals at the front and additions at the back.
    func continues(_ old: Span) -> Bool {
      isDense && old.isDense && first >= old.first && last >= old.last && (first <= old.last || first - 1 == old.last)
    }
  }

  private var spans: [PartitionID: Span] = [:]
  /// Ascending by place.
  private var replies: [PlacedReply] = []

  /// Nothing.
  package init() {}

  /// The contents of the rows.
  /// - Parameter replies: ascending by place.
  package init(outbox: [OutboxRow], replies: [PlacedReply]) {
    spans = Self.spans(of: outbox)
    self.replies = replies
  }

  private static func spans(of outbox: [OutboxRow]) -> [PartitionID: Span] {
    var spans: [PartitionID: Span] = [:]
    for row in outbox {
      if spans[row.destination]?.add(row.number) == nil {
        spans[row.destination] = Span(first: row.number, last: row.number)
      }
    }
    return spans
  }

  package var isEmpty: Bool { spans.isEmpty && replies.isEmpty }

  /// Replaces these with a checkpoint's messages and replies. Returns the changes to the rows.
  package mutating func replace(with outbox: [OutboxRow], _ replies: [CommandReply]) -> Change {
    var change = Change()
    if isEmpty, outbox.isEmpty, replies.isEmpty { return change }
    replaceMessages(with: outbox, &change)
    replaceReplies(with: replies, &change)
    return change
  }

  private mutating func replaceMessages(with outbox: [OutboxRow], _ change: inout Change) {
    let new = Self.spans(of: outbox)
    for (destination, old) in spans.sorted(by: { $0.key < $1.key }) {
      if let span = new[destination], span.continues(old) {
        guard span.first > old.first else { continue }
        change.deletedMessages.append(Messages(destination: destination, numbers: old.first...(span.first - 1)))
      } else {
        change.deletedMessages.append(Messages(destination: destination, numbers: old.first...old.last))
      }
    }
    change.addedMessages = outbox.filter { row in
      guard let old = spans[row.destination], new[row.destination]?.continues(old) == true else { return true }
      return row.number > old.last
    }
    change.addedMessages.sort { ($0.destination, $0.number) < ($1.destination, $1.number) }
    spans = new
  }

  private mutating func replaceReplies(with replies: [CommandReply], _ change: inout Change) {
    let places = Dictionary(self.replies.map { ($0.reply, $0.place) }, uniquingKeysWith: { first, _ in first })
    let behind = (self.replies.last?.place ?? -1) + 1
    var newest: Int64 = -1
    var kept: Set<Int64> = []
    var placed: [PlacedReply] = []
    placed.reserveCapacity(replies.count)
    for reply in replies {
      if let place = places[reply], place > newest {
        newest = place
        kept.insert(place)
      } else {
        newest = max(newest + 1, behind)
        change.addedReplies.append(PlacedReply(place: newest, reply: reply))
      }
      placed.append(PlacedReply(place: newest, reply: reply))
    }
    change.deletedReplies = self.replies.lazy.map(\.place).filter { !kept.contains($0) }
    self.replies = placed
  }
}

extension PartitionID {
  /// A partition as rows store it: the service times 4096, plus the index.
  package var storedNumber: Int16 { Int16(service.rawValue) << 12 | Int16(index & 0xfff) }

  /// nil if the number belongs to no service.
  package init?(storedNumber number: Int64) {
    guard let value = UInt8(exactly: number >> 12), let service = Service(rawValue: value) else { return nil }
    self.init(service, UInt16(number & 0xfff))
  }
}
