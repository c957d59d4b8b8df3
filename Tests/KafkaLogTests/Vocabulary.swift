import EventLog
import Model

let orders = PartitionID(.orders, 0)
let stock = PartitionID(.stock, 1)
let payments = PartitionID(.payments, 3)

/// A record that carries `number`.
func record(_ number: Int64) -> Record {
  Record(entries: [Entry(time: Timestamp(milliseconds: number), body: .control(.rules(version: 1)))])
}

/// A client's command, numbered by its request.
func command(_ number: UInt64, to partition: PartitionID = orders) -> Append {
  let request = RequestID(incarnation: 1, lane: 0, number: number)
  guard let order = OrderID(validating: "o\(number)") else { preconditionFailure("an order id") }
  let body = ClientCommand(request: request, idempotency: nil, trace: nil, command: .orders(.remove(order)))
  let entry = Entry(time: Timestamp(milliseconds: Int64(number)), body: .command(body))
  return Append(partition: partition, record: Record(entries: [entry]), isRefusable: true)
}

/// What `source` tells a partition: its message number `offset`.
func message(_ offset: Int64, from source: PartitionID, to partition: PartitionID) -> Append {
  Append(partition: partition, record: Record(entries: [messageEntry(offset, from: source)]), isRefusable: false)
}

func messageEntry(_ offset: Int64, from source: PartitionID) -> Entry {
  guard let order = OrderID(validating: "o\(offset)") else { preconditionFailure("an order id") }
  let message = PartitionMessage(
    source: source, position: SourcePosition(offset: offset, index: 0),
    message: .paid(AttemptID(order: order, number: 1)))
  return Entry(time: Timestamp(milliseconds: offset), body: .message(message))
}

extension Delivery {
  /// `orders-0@3=17`; `?` for bytes that are no record, `!` for a partition that broke.
  var text: String {
    switch content {
    case .record(let record): "\(partition)@\(offset)=\(record.entries.first?.time.milliseconds ?? -1)"
    case .undecodable: "\(partition)@\(offset)=?"
    case .broken: "\(partition)@\(offset)!"
    }
  }

  var number: Int64? {
    guard case .record(let record) = content else { return nil }
    return record.entries.first?.time.milliseconds
  }
}
