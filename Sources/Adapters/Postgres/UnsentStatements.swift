import Model
import PartitionCore
import Ports
import Wire

/// A checkpoint's changes to the unacknowledged messages and replies, as statements of bounded size.
struct UnsentStatements {
  let change: UnsentRows.Change
  let options: PostgresOptions

  /// - Parameters:
  ///   - guarded: the parameters with which every statement of the checkpoint begins.
  ///   - send: sends a statement; not called if nothing changes.
  /// - Throws: `lost`; `refused` if a row is too large, after which the transaction must be rolled back.
  func send(
    guarded: Parameters, _ send: (Statement, Parameters) throws(PostgresFailure) -> Void
  ) throws(PostgresFailure) {
    try deleteMessages(guarded, send)
    try insertMessages(guarded, send)
    for places in Self.parts(of: change.deletedReplies, options.batchRowsMax) {
      var column = Parameters.Column(.bigint)
      for place in places { column.append(place) }
      var parameters = guarded
      parameters.add(column)
      try send(.deleteReplies, parameters)
    }
    try insertReplies(guarded, send)
  }

  private func deleteMessages(
    _ guarded: Parameters, _ send: (Statement, Parameters) throws(PostgresFailure) -> Void
  ) throws(PostgresFailure) {
    for part in Self.parts(of: change.deletedMessages, options.batchRowsMax) {
      var destinations = Parameters.Column(.smallint)
      var (lows, highs) = (Parameters.Column(.bigint), Parameters.Column(.bigint))
      for messages in part {
        destinations.append(messages.destination.storedNumber)
        lows.append(Int64(clamping: messages.numbers.lowerBound))
        highs.append(Int64(clamping: messages.numbers.upperBound))
      }
      var parameters = guarded
      parameters.add(destinations)
      parameters.add(lows)
      parameters.add(highs)
      try send(.deleteMessages, parameters)
    }
  }

  private func insertMessages(
    _ guarded: Parameters, _ send: (Statement, Parameters) throws(PostgresFailure) -> Void
  ) throws(PostgresFailure) {
    var place = 0
    while place < change.addedMessages.count {
      var destinations = Parameters.Column(.smallint)
      var (numbers, bodies) = (Parameters.Column(.bigint), Parameters.Column(.bytea))
      while place < change.addedMessages.count, !isFull(bodies) {
        let row = change.addedMessages[place]
        destinations.append(row.destination.storedNumber)
        numbers.append(Int64(clamping: row.number))
        try append(to: &bodies, "message \(row.number) to \(row.destination)") {
          StreamMessageCodec.encode(row.message, into: &$0)
        }
        place += 1
      }
      var parameters = guarded
      parameters.add(destinations)
      parameters.add(numbers)
      parameters.add(bodies)
      try send(.insertMessages, parameters)
    }
  }

  private func insertReplies(
    _ guarded: Parameters, _ send: (Statement, Parameters) throws(PostgresFailure) -> Void
  ) throws(PostgresFailure) {
    var place = 0
    while place < change.addedReplies.count {
      var (places, bodies) = (Parameters.Column(.bigint), Parameters.Column(.bytea))
      while place < change.addedReplies.count, !isFull(bodies) {
        let placed = change.addedReplies[place]
        places.append(placed.place)
        try append(to: &bodies, "the reply to \(placed.reply.request)") { ReplyCodec.encode(placed.reply, into: &$0) }
        place += 1
      }
      var parameters = guarded
      parameters.add(places)
      parameters.add(bodies)
      try send(.insertReplies, parameters)
    }
  }

  private func isFull(_ bodies: Parameters.Column) -> Bool {
    bodies.count >= options.batchRowsMax || bodies.byteCount >= options.batchBytesMax
  }

  private func append(
    to bodies: inout Parameters.Column, _ name: @autoclosure () -> String, _ write: (inout [UInt8]) -> Void
  ) throws(PostgresFailure) {
    let before = bodies.byteCount
    bodies.append(write)
    let size = bodies.byteCount - before - 4
    guard size <= options.rowBytesMax else {
      throw .refused(state: "54000", message: "\(name()) has \(size) bytes: too many")
    }
  }

  private static func parts<Element>(of all: [Element], _ countMax: Int) -> [ArraySlice<Element>] {
    stride(from: 0, to: all.count, by: countMax).map { all[$0..<min(all.count, $0 + countMax)] }
  }
}
