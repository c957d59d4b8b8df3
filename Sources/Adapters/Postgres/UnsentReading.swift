import Model
import PartitionCore
import Ports

/// Collects one partition's unacknowledged messages and replies, page by page. Each page of both takes two statements,
/// which share a round trip with others.
struct UnsentReading {
  private let name: String
  private let partition: PartitionID
  /// Rows per page.
  private let rowsMax: Int
  private(set) var outbox: [OutboxRow] = []
  private(set) var replies: [UnsentRows.PlacedReply] = []
  /// The first row that this program does not write.
  private(set) var failure: StoreFailure?
  /// No messages are left to read.
  private(set) var isOutboxWhole = false
  private var areRepliesWhole = false

  init(_ name: String, _ partition: PartitionID, rowsMax: Int) {
    self.name = name
    self.partition = partition
    self.rowsMax = rowsMax
  }

  /// There is nothing more to read.
  var isWhole: Bool { failure != nil || isOutboxWhole && areRepliesWhole }

  /// The parameters of the queries for the next pages of messages and replies.
  var parameters: (messages: Parameters, replies: Parameters) {
    var messages = Parameters()
    messages.add(Int16(truncatingIfNeeded: partition.index))
    messages.add(outbox.last?.destination.storedNumber ?? Int16.min)
    messages.add(outbox.last.map { Int64(clamping: $0.number) } ?? Int64.min)
    messages.add(Int64(rowsMax))
    var replies = Parameters()
    replies.add(Int16(truncatingIfNeeded: partition.index))
    replies.add(self.replies.last?.place ?? Int64.min)
    replies.add(Int64(rowsMax))
    return (messages, replies)
  }

  mutating func takeMessages(_ rows: borrowing Rows) {
    isOutboxWhole = rows.count < rowsMax
    take(rows) { (reading, rows, row) throws(StoreFailure) in
      reading.outbox.append(
        try StoredRows.message(
          rows.bytes(row, 2) ?? Self.nothing, to: rows.bigint(row, 0) ?? -1, number: rows.bigint(row, 1) ?? -1,
          of: reading.partition, in: reading.name))
    }
  }

  mutating func takeReplies(_ rows: borrowing Rows) {
    areRepliesWhole = rows.count < rowsMax
    take(rows) { (reading, rows, row) throws(StoreFailure) in
      reading.replies.append(
        try StoredRows.reply(
          rows.bytes(row, 1) ?? Self.nothing, at: rows.bigint(row, 0) ?? -1, of: reading.partition,
          in: reading.name))
    }
  }

  private mutating func take(
    _ rows: borrowing Rows, _ one: (inout Self, borrowing Rows, Int) throws(StoreFailure) -> Void
  ) {
    guard failure == nil else { return }
    do throws(StoreFailure) {
      for row in 0..<rows.count { try one(&self, rows, row) }
    } catch {
      failure = error
    }
  }

  private static var nothing: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }
}
