/// Kafka's default partitioner for records with a key: murmur2 of the key's bytes, the sign bit masked, modulo the
/// count. Any Kafka client that writes with the same key and count chooses the same partition.
/// Source: https://kafka.apache.org/documentation/#producerconfigs_partitioner.class,
/// `org.apache.kafka.common.utils.Utils.murmur2`.
public struct Partitioner: Hashable, Sendable {
  /// The number of partitions of each service, 1…4096.
  public let count: Int

  public init?(count: Int) {
    guard (1...4096).contains(count) else { return nil }
    self.count = count
  }

  public func index(of key: String) -> UInt16 {
    var key = key
    return key.withUTF8 { index(of: UnsafeRawBufferPointer($0)) }
  }

  public func index(of key: UnsafeRawBufferPointer) -> UInt16 {
    UInt16(Int(Self.murmur2(key) & 0x7fff_ffff) % count)
  }

  public func partition(of order: OrderID) -> PartitionID { PartitionID(.orders, index(of: order.text)) }
  public func partition(of item: ItemID) -> PartitionID { PartitionID(.stock, index(of: item.text)) }
  public func partition(of user: UserID) -> PartitionID { PartitionID(.payments, index(of: user.text)) }

  /// Austin Appleby's MurmurHash2, 32 bits, with Kafka's seed.
  public static func murmur2(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    let m: UInt32 = 0x5bd1_e995
    let r: UInt32 = 24
    var h: UInt32 = 0x9747_b28c ^ UInt32(truncatingIfNeeded: bytes.count)
    let words = bytes.count / 4
    for word in 0..<words {
      var k = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: word * 4, as: UInt32.self))
      k = k &* m
      k ^= k >> r
      k = k &* m
      h = h &* m
      h ^= k
    }
    let tail = words * 4
    let rest = bytes.count - tail
    if rest == 3 { h ^= UInt32(bytes[tail + 2]) << 16 }
    if rest >= 2 { h ^= UInt32(bytes[tail + 1]) << 8 }
    if rest >= 1 {
      h ^= UInt32(bytes[tail])
      h = h &* m
    }
    h ^= h >> 13
    h = h &* m
    h ^= h >> 15
    return h
  }
}
