import Model

extension ClientCommand {
  /// - Parameter assigned: the request, whatever the bytes say of one; nil if they must contain it.
  init(wire: Reader, request assigned: RequestID? = nil) throws(WireError) {
    var reader = wire
    var request: RequestID?
    var idempotency: IdempotencyToken?
    var trace: TraceContext?
    var command: Command?
    while let field = try reader.next() {
      switch field.number {
      case 1:
        let named = try reader.message(field)
        if assigned == nil { request = try RequestID(wire: named) }
      case 2: idempotency = try IdempotencyToken(wire: reader.message(field))
      case 3: trace = try TraceContext(wire: reader.message(field))
      case OrderCommand.kinds: command = .orders(try OrderCommand(wire: reader.message(field), kind: field.number))
      case StockCommand.kinds: command = .stock(try StockCommand(wire: reader.message(field), kind: field.number))
      case PaymentCommand.kinds:
        command = .payments(try PaymentCommand(wire: reader.message(field), kind: field.number))
      default: try reader.skip(field)
      }
    }
    guard let command else { throw WireError("a command is of a kind that this version does not know") }
    self.init(
      request: try required(assigned ?? request, "the command's request"), idempotency: idempotency, trace: trace,
      command: command)
  }

  func write(to writer: inout Writer) {
    switch command {
    case .orders(let command): writer.message(command.kind) { command.write(to: &$0) }
    case .stock(let command): writer.message(command.kind) { command.write(to: &$0) }
    case .payments(let command): writer.message(command.kind) { command.write(to: &$0) }
    }
    if let trace { writer.message(3) { trace.write(to: &$0) } }
    if let idempotency { writer.message(2) { idempotency.write(to: &$0) } }
    writer.message(1) { request.write(to: &$0) }
  }
}
