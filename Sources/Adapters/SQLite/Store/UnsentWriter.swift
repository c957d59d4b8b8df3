import Model
import PartitionCore
import Ports
import Wire

/// Writes the unacknowledged messages and replies of checkpoints: only what changes. Owned by the writer thread.
final class UnsentWriter {
  private let rows: StoreRows
  private let deleteMessages, insertMessage, deleteReply, insertReply: Statement
  /// What the committed file has, for the partitions looked at.
  private var known: [PartitionID: UnsentRows] = [:]
  /// What it will be after the open transaction.
  private var pending: [PartitionID: UnsentRows] = [:]

  init(_ database: Database, _ rows: StoreRows) throws(DatabaseError) {
    self.rows = rows
    deleteMessages = try database.prepare(
      "DELETE FROM outbox WHERE partition = ? AND destination = ? AND number BETWEEN ? AND ?")
    insertMessage = try database.prepare(
      "INSERT OR REPLACE INTO outbox (partition, destination, number, body) VALUES (?, ?, ?, ?)")
    deleteReply = try database.prepare("DELETE FROM replies WHERE partition = ? AND place = ?")
    insertReply = try database.prepare("INSERT OR REPLACE INTO replies (partition, place, body) VALUES (?, ?, ?)")
  }

  // MARK: The transaction

  func committed() {
    if pending.isEmpty { return }
    known.merge(pending) { _, new in new }
    pending.removeAll(keepingCapacity: true)
  }

  /// Whether the failed commit took effect is unknown: the partitions concerned are looked at again.
  func undone() {
    for partition in pending.keys { known[partition] = nil }
    pending.removeAll(keepingCapacity: true)
  }

  /// What recovery needs.
  func acquire(_ partition: PartitionID) throws(StoreFailure) -> (outbox: [OutboxRow], replies: [CommandReply]) {
    let outbox = try rows.outbox(of: partition)
    let replies = try rows.replies(of: partition)
    pending[partition] = UnsentRows(outbox: outbox, replies: replies)
    return (outbox, replies.map(\.reply))
  }

  /// A checkpoint's changes, to be written in this transaction.
  func change(to batch: CheckpointBatch) throws(StoreFailure) -> UnsentRows.Change {
    let partition = batch.header.partition
    let found = pending[partition] ?? known[partition]
    if let found, found.isEmpty, batch.outbox.isEmpty, batch.replies.isEmpty { return UnsentRows.Change() }
    var unsent: UnsentRows
    if let found {
      unsent = found
    } else {
      unsent = UnsentRows(outbox: try rows.outbox(of: partition), replies: try rows.replies(of: partition))
    }
    let change = unsent.replace(with: batch.outbox, batch.replies)
    pending[partition] = unsent
    return change
  }

  func write(
    _ change: UnsentRows.Change, of partition: PartitionID, _ bytes: inout [UInt8]
  ) throws(DatabaseError) {
    if change.isEmpty { return }
    let number = StoreFile.number(of: partition)
    for messages in change.deletedMessages {
      deleteMessages.bind(1, number)
      deleteMessages.bind(2, StoreFile.number(of: messages.destination))
      deleteMessages.bind(3, Int64(clamping: messages.numbers.lowerBound))
      deleteMessages.bind(4, Int64(clamping: messages.numbers.upperBound))
      try deleteMessages.run()
    }
    for row in change.addedMessages {
      insertMessage.bind(1, number)
      insertMessage.bind(2, StoreFile.number(of: row.destination))
      insertMessage.bind(3, Int64(clamping: row.number))
      bytes.removeAll(keepingCapacity: true)
      StreamMessageCodec.encode(row.message, into: &bytes)
      try insertMessage.run(binding: 4, to: bytes, bytes.indices)
    }
    for place in change.deletedReplies {
      deleteReply.bind(1, number)
      deleteReply.bind(2, place)
      try deleteReply.run()
    }
    for placed in change.addedReplies {
      insertReply.bind(1, number)
      insertReply.bind(2, placed.place)
      bytes.removeAll(keepingCapacity: true)
      ReplyCodec.encode(placed.reply, into: &bytes)
      try insertReply.run(binding: 3, to: bytes, bytes.indices)
    }
  }
}
