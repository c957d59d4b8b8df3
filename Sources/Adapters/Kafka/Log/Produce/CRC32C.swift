/// CRC-32C (Castagnoli), which guards a batch of records: eight bytes per step.
enum CRC32C {
  /// Eight tables of 256: what a byte adds at each distance from the end of a step.
  private static let tables: [UInt32] = {
    var tables = (0..<256).map { byte in
      (0..<8).reduce(UInt32(byte)) { rest, _ in (rest >> 1) ^ (rest & 1 == 0 ? 0 : 0x82F6_3B78) }
    }
    for place in 256..<2_048 {
      let shorter = tables[place - 256]
      tables.append((shorter >> 8) ^ tables[Int(shorter & 0xFF)])
    }
    return tables
  }()

  static func checksum(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
    tables.withUnsafeBufferPointer { tables in
      var crc = ~UInt32(0)
      var place = 0
      while bytes.count - place >= 8 {
        let step = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: place, as: UInt64.self)) ^ UInt64(crc)
        crc = 0
        for byte in 0..<8 { crc ^= tables[(7 - byte) << 8 | Int(truncatingIfNeeded: step >> UInt64(byte << 3) & 0xFF)] }
        place += 8
      }
      while place < bytes.count {
        crc = (crc >> 8) ^ tables[Int((crc ^ UInt32(bytes[place])) & 0xFF)]
        place += 1
      }
      return ~crc
    }
  }
}
