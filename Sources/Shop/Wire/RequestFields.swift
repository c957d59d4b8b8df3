import Model

extension RequestID {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var incarnation: UInt64 = 0
    var lane: UInt16 = 0
    var number: UInt64 = 0
    while let field = try reader.next() {
      switch field.number {
      case 1: incarnation = try reader.fixed64(field)
      case 2: lane = try reader.narrow(field, "the request's lane")
      case 3: number = try reader.number(field)
      default: try reader.skip(field)
      }
    }
    self.init(incarnation: incarnation, lane: lane, number: number)
  }

  func write(to writer: inout Writer) {
    writer.number(3, number)
    writer.number(2, UInt64(lane))
    writer.fixed64(1, incarnation)
  }
}

extension IdempotencyToken {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var key: IdempotencyKey?
    var fingerprint: UInt64 = 0
    while let field = try reader.next() {
      switch field.number {
      case 1: key = try reader.idempotencyKey(field)
      case 2: fingerprint = try reader.fixed64(field)
      default: try reader.skip(field)
      }
    }
    self.init(key: try required(key, "the idempotency key"), fingerprint: fingerprint)
  }

  func write(to writer: inout Writer) {
    writer.fixed64(2, fingerprint)
    writer.text(1, key.text)
  }
}

extension TraceContext {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var traceHigh: UInt64 = 0
    var traceLow: UInt64 = 0
    var span: UInt64 = 0
    var flags: UInt8 = 0
    while let field = try reader.next() {
      switch field.number {
      case 1: traceHigh = try reader.fixed64(field)
      case 2: traceLow = try reader.fixed64(field)
      case 3: span = try reader.fixed64(field)
      case 4: flags = try reader.narrow(field, "the trace's flags")
      default: try reader.skip(field)
      }
    }
    self.init(traceHigh: traceHigh, traceLow: traceLow, span: span, flags: flags)
  }

  func write(to writer: inout Writer) {
    writer.number(4, UInt64(flags))
    writer.fixed64(3, span)
    writer.fixed64(2, traceLow)
    writer.fixed64(1, traceHigh)
  }
}

extension PartitionID {
  init(wire: Reader) throws(WireError) {
    var reader = wire
    var service: Service?
    var index: UInt16 = 0
    while let field = try reader.next() {
      switch field.number {
      case 1: service = try reader.choice(field, "the partition's service")
      case 2: index = try reader.partitionIndex(field)
      default: try reader.skip(field)
      }
    }
    self.init(try required(service, "the partition's service"), index)
  }

  func write(to writer: inout Writer) {
    writer.number(2, UInt64(index))
    writer.choice(1, service)
  }
}
