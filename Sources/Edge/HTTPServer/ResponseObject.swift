import CMicroHTTPD
import Glibc

/// Turns an answer into libmicrohttpd's form.
enum ResponseObject {
  /// Queues an answer.
  ///
  /// - Parameter keepAlive: how long the connection is kept after the answer; nil: not at all.
  /// - Returns: false if the connection cannot take one; then it must be closed.
  static func queue(
    _ response: HTTPResponse, on connection: OpaquePointer, closes: Bool, keepAlive: String?, serverName: String?
  ) -> Bool {
    let object = response.body.withUnsafeBytes { body in
      MHD_create_response_from_buffer(
        body.count, UnsafeMutableRawPointer(mutating: body.baseAddress), .RESPMEM_MUST_COPY)
    }
    guard let object else { return false }
    defer { MHD_destroy_response(object) }
    if response.contentType.utf8CodeUnitCount > 0, !response.body.isEmpty {
      add("Content-Type", response.contentType, to: object)
    }
    if let serverName { add("Server", serverName, to: object) }
    for header in response.headers { add(header.name, header.value, to: object) }
    if let keepAlive { add("Keep-Alive", keepAlive, to: object) }
    if closes { add("Connection", "close" as StaticString, to: object) }
    return MHD_queue_response(connection, UInt32(response.status), object) == .YES
  }

  /// The library drops a header that contains a line break.
  private static func add(_ name: StaticString, _ value: String, to object: OpaquePointer) {
    value.withCString { _ = MHD_add_response_header(object, text(name), $0) }
  }

  private static func add(_ name: StaticString, _ value: StaticString, to object: OpaquePointer) {
    _ = MHD_add_response_header(object, text(name), text(value))
  }

  private static func text(_ text: StaticString) -> UnsafePointer<CChar> {
    UnsafeRawPointer(text.utf8Start).assumingMemoryBound(to: CChar.self)
  }

  /// The bytes of an answer that closes its connection, for a connection from which the library still reads a request.
  static func bytes(_ response: HTTPResponse, serverName: String?) -> [UInt8] {
    let reason = MHD_get_reason_phrase_for(UInt32(response.status)).map { String(cString: $0) } ?? ""
    var head = "HTTP/1.1 \(response.status) \(reason)\r\nConnection: close\r\n"
    head += "Content-Length: \(response.body.count)\r\n"
    if !response.body.isEmpty { head += "Content-Type: \(response.contentType)\r\n" }
    if let serverName { head += "Server: \(serverName)\r\n" }
    for header in response.headers where !header.value.utf8.contains(where: { !ASCII.isValue($0) }) {
      head += "\(header.name): \(header.value)\r\n"
    }
    return Array((head + "\r\n").utf8) + response.body
  }
}
