import CMicroHTTPD

/// One header of a head, in libmicrohttpd's buffer.
struct HeaderField {
  let name: UnsafeBufferPointer<UInt8>
  let value: UnsafeBufferPointer<UInt8>

  /// Whether this is its name, ignoring case.
  func isNamed(_ other: StaticString) -> Bool {
    guard name.count == other.utf8CodeUnitCount else { return false }
    for index in 0..<name.count where ASCII.lower(name[index]) != ASCII.lower(other.utf8Start[index]) { return false }
    return true
  }
}

/// The headers of a lane's current request. One per server, reused for every request, so that looking up headers
/// allocates nothing. Lane-confined.
final class RequestHead {
  private let fields: UnsafeMutablePointer<HeaderField>
  private let capacity: Int
  private(set) var count = 0
  /// More headers than fit.
  private(set) var isOverfull = false
  /// Whose headers these are.
  private(set) var exchange: UInt64 = 0

  init(headersMax: Int) {
    capacity = headersMax
    fields = .allocate(capacity: headersMax)
  }

  deinit { fields.deallocate() }

  subscript(index: Int) -> HeaderField { fields[index] }

  /// Takes the headers of a request; they are valid as long as the library keeps it.
  func collect(_ connection: OpaquePointer, exchange: UInt64) {
    count = 0
    isOverfull = false
    self.exchange = exchange
    _ = MHD_get_connection_values_n(
      connection, .HEADER_KIND,
      { context, _, name, nameCount, value, valueCount in
        guard let context else { return .NO }
        let head = Unmanaged<RequestHead>.fromOpaque(context).takeUnretainedValue()
        return head.add(name, nameCount, value, valueCount) ? .YES : .NO
      }, Unmanaged.passUnretained(self).toOpaque())
  }

  private func add(
    _ name: UnsafePointer<CChar>?, _ nameCount: Int, _ value: UnsafePointer<CChar>?, _ valueCount: Int
  ) -> Bool {
    guard count < capacity else {
      isOverfull = true
      return false
    }
    (fields + count).initialize(to: HeaderField(name: bytes(name, nameCount), value: bytes(value, valueCount)))
    count += 1
    return true
  }

  private func bytes(_ text: UnsafePointer<CChar>?, _ count: Int) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(start: UnsafeRawPointer(text)?.assumingMemoryBound(to: UInt8.self), count: count)
  }

  /// How often there is a header of this name, and its first value without surrounding blanks.
  func lookUp(_ name: StaticString) -> (count: Int, value: String?) {
    var found = 0
    var first: String?
    for index in 0..<count where fields[index].isNamed(name) {
      found += 1
      guard found == 1 else { continue }
      var value = fields[index].value[...]
      while let last = value.last, ASCII.isBlank(last) { value.removeLast() }
      first = String(decoding: UnsafeBufferPointer(rebasing: value), as: UTF8.self)
    }
    return (found, first)
  }

  /// How often there is a header of this name, and its first value in the library's buffer, without surrounding blanks.
  func withField<Result>(
    _ name: StaticString, _ read: (_ count: Int, _ value: UnsafeBufferPointer<UInt8>) -> Result
  ) -> Result {
    var found = 0
    var first = UnsafeBufferPointer<UInt8>(start: nil, count: 0)
    for index in 0..<count where fields[index].isNamed(name) {
      found += 1
      guard found == 1 else { continue }
      var value = fields[index].value[...]
      while let last = value.last, ASCII.isBlank(last) { value.removeLast() }
      first = UnsafeBufferPointer(rebasing: value)
    }
    return read(found, first)
  }
}

/// Sets of bytes from HTTP's grammar.
enum ASCII {
  static func lower(_ byte: UInt8) -> UInt8 { byte &- 0x41 < 26 ? byte | 0x20 : byte }
  static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
  static func isDigit(_ byte: UInt8) -> Bool { byte &- 0x30 < 10 }

  /// What a method or a header's name may consist of (RFC 9110, `tchar`).
  static func isToken(_ byte: UInt8) -> Bool { isIn(byte, 0x03ff_6cfa_0000_0000, 0x57ff_ffff_c7ff_fffe) }

  /// What a `Host` may consist of (RFC 3986, `host` and `port`).
  static func isHost(_ byte: UInt8) -> Bool { isIn(byte, 0x2fff_7ff2_0000_0000, 0x47ff_fffe_afff_fffe) }

  /// Bit n of the two masks represents byte n.
  private static func isIn(_ byte: UInt8, _ low: UInt64, _ high: UInt64) -> Bool {
    byte < 64 ? low >> UInt64(byte) & 1 == 1 : byte < 128 && high >> UInt64(byte & 63) & 1 == 1
  }

  /// A header's value has no control bytes but the tab.
  static func isValue(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7f || byte == 0x09 }

  /// A target as sent: visible, no fragment.
  static func isTarget(_ byte: UInt8) -> Bool { byte > 0x20 && byte < 0x7f && byte != 0x23 }
}
