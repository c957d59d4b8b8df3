import Model

extension RequestRefusal {
  /// The wire values.
  private enum Reason: UInt8 {
    case overloaded = 0
    case stopping = 1
    case starting = 2
    case logFailed = 3
    case outcomeUnknown = 4
    case partitionStopped = 5
    case undecidable = 6
  }

  init(wire: Reader) throws(WireError) {
    var reader = wire
    var reason: Reason?
    var partition: PartitionID?
    while let field = try reader.next() {
      switch field.number {
      case 1: reason = try reader.choice(field, "the refusal's reason")
      case 2: partition = try PartitionID(wire: reader.message(field))
      default: try reader.skip(field)
      }
    }
    switch try required(reason, "the refusal's reason") {
    case .overloaded: self = .overloaded
    case .stopping: self = .stopping
    case .starting: self = .starting
    case .logFailed: self = .logFailed
    case .outcomeUnknown: self = .outcomeUnknown
    case .undecidable: self = .undecidable
    case .partitionStopped: self = .partitionStopped(try required(partition, "the refusal's partition"))
    }
  }

  func write(to writer: inout Writer) {
    let reason: Reason
    switch self {
    case .overloaded: reason = .overloaded
    case .stopping: reason = .stopping
    case .starting: reason = .starting
    case .logFailed: reason = .logFailed
    case .outcomeUnknown: reason = .outcomeUnknown
    case .undecidable: reason = .undecidable
    case .partitionStopped(let partition):
      reason = .partitionStopped
      writer.message(2) { partition.write(to: &$0) }
    }
    writer.choice(1, reason)
  }
}
