/// Cuts what arrives on a link into packets. Holds at most one incomplete packet, within its bound.
struct PacketReader {
  private var bytes: [UInt8] = []
  private var head = 0

  enum Step: Hashable {
    /// Where the next packet is, after its length: for `withBytes`.
    case packet(Range<Int>)
    case incomplete
    /// Longer than allowed: nothing on this link can be trusted from here on.
    case tooLong
  }

  mutating func append(_ more: UnsafeRawBufferPointer) {
    if head > 0 {
      bytes.removeFirst(head)
      head = 0
    }
    bytes.append(contentsOf: more)
  }

  /// Steps over the next packet.
  mutating func next(bytesMax: Int) -> Step {
    let start = head + Packet.lengthBytes
    guard bytes.count >= start else { return .incomplete }
    let length = bytes.withUnsafeBytes {
      Int(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: head, as: UInt32.self)))
    }
    // Judged before its bytes arrive: nobody can make this pod collect what it would refuse.
    guard length <= bytesMax else { return .tooLong }
    guard bytes.count - start >= length else { return .incomplete }
    head = start + length
    return .packet(start..<head)
  }

  func withBytes<Result>(_ range: Range<Int>, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    bytes.withUnsafeBytes { body(UnsafeRawBufferPointer(rebasing: $0[range])) }
  }
}
