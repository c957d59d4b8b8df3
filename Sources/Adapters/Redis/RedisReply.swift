import CHiredis

/// One reply from Redis. Owns hiredis's object; its contents live as long as it does.
struct RedisReply: ~Copyable {
  enum Kind {
    case bytes, array, integer, none, status, error, other
  }

  private let pointer: UnsafeMutablePointer<redisReply>

  init?(_ object: UnsafeMutableRawPointer?) {
    guard let object else { return nil }
    pointer = object.assumingMemoryBound(to: redisReply.self)
  }

  deinit { freeReplyObject(pointer) }

  private static func kind(_ type: Int32) -> Kind {
    switch type {
    case REDIS_REPLY_STRING: .bytes
    case REDIS_REPLY_ARRAY: .array
    case REDIS_REPLY_INTEGER: .integer
    case REDIS_REPLY_NIL: .none
    case REDIS_REPLY_STATUS: .status
    case REDIS_REPLY_ERROR: .error
    default: .other
    }
  }

  var kind: Kind { Self.kind(pointer.pointee.type) }

  /// Elements of an array, else 0.
  var count: Int { kind == .array ? Int(pointer.pointee.elements) : 0 }

  /// Passes the bytes of the array's element at `index` to `body`; nil if it is not a string or is longer than a bound.
  func element<Result>(
    _ index: Int, bytesMax: Int, _ body: (UnsafeRawBufferPointer) -> Result?
  ) -> Result? {
    guard (0..<count).contains(index), let element = pointer.pointee.element[index],
      Self.kind(element.pointee.type) == .bytes, element.pointee.len <= bytesMax
    else { return nil }
    return body(UnsafeRawBufferPointer(start: element.pointee.str, count: Int(element.pointee.len)))
  }

  /// Whether the array's element at `index` exists.
  func hasElement(_ index: Int) -> Bool {
    guard (0..<count).contains(index), let element = pointer.pointee.element[index] else { return false }
    return Self.kind(element.pointee.type) != .none
  }
}

/// Parses the bytes that Redis sends. Owns hiredis's reader.
///
/// hiredis's asynchronous connection is not used: it ends the process (`assert`) if a server sends an unrequested
/// reply. Its reader, bounded, and its connect are used; the lane does the rest.
final class ReplyReader {
  enum Step: ~Copyable {
    case reply(RedisReply)
    case incomplete
    case rubbish
  }

  private let reader: UnsafeMutablePointer<redisReader>

  /// nil if the system has no memory.
  init?(elementsMax: Int) {
    guard let reader = kassa_reader_create(elementsMax) else { return nil }
    self.reader = reader
  }

  deinit { kassa_reader_free(reader) }

  /// Takes received bytes. Returns false if they cannot be taken.
  func feed(_ bytes: UnsafeRawBufferPointer) -> Bool {
    redisReaderFeed(reader, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count) == REDIS_OK
  }

  /// The next complete reply.
  func next() -> Step {
    var object: UnsafeMutableRawPointer?
    guard redisReaderGetReply(reader, &object) == REDIS_OK else { return .rubbish }
    if let reply = RedisReply(object) { return .reply(reply) }
    return .incomplete
  }
}
