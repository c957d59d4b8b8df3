import Model

/// Reads the commands that other systems write to ingest logs. The format is `ClientCommand` of `records.proto`.
package enum IngestCodec {
  /// Decodes a command that anybody may have written. Never traps.
  /// - Parameter request: what it gets, whatever the bytes say of one. What they say of a trace is left out.
  /// - Throws: `WireError` that names what is wrong.
  package static func decode(
    _ bytes: UnsafeRawBufferPointer, as request: RequestID
  ) throws(WireError) -> ClientCommand {
    let found = try ClientCommand(wire: Reader(bytes), request: request)
    return ClientCommand(request: request, idempotency: found.idempotency, trace: nil, command: found.command)
  }
}
