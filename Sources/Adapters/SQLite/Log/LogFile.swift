import Ports
import Model
import PartitionCore
import Wire

/// The file that holds the records of all partitions of all three services.
///
/// `records` is ordered by log position, so that a commit appends to the table's last page and touches little else.
/// There is no other index. `marks` makes up for that: every few thousand records one row notes, for a position, the
/// offset of each partition's next record. The oldest mark shows where the file begins, the newest one (and the few
/// records after it) where it ends, even if every record was trimmed; those in between show a reader where to start.
///
/// Pages of 8 KiB: by measurement, groups of a hundred records or more cost the writer a third less than with 4 KiB,
/// and small groups the same.
public enum LogFile {
  public static let file = DatabaseFile(
    name: "log.sqlite", applicationID: 0x4b4c_4f47, version: 2, pageBytes: 8_192,
    schema: [
      """
      CREATE TABLE records (
        sequence INTEGER PRIMARY KEY, partition INTEGER NOT NULL, offset INTEGER NOT NULL, body BLOB NOT NULL)
      """,
      "CREATE TABLE marks (sequence INTEGER PRIMARY KEY, offsets BLOB NOT NULL)",
      """
      CREATE TABLE quarantined (
        partition INTEGER NOT NULL, offset INTEGER NOT NULL, body BLOB NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (partition, offset)) WITHOUT ROWID
      """,
      "INSERT INTO marks (sequence, offsets) VALUES (0, x'')",
    ])

  /// A partition as rows store it: the service times 4096, plus the index.
  static func number(of partition: PartitionID) -> Int64 {
    Int64(partition.service.rawValue) << 12 | Int64(partition.index)
  }

  static func partition(_ number: Int64) -> PartitionID? {
    guard let value = UInt8(exactly: number >> 12), let service = Service(rawValue: value) else { return nil }
    return PartitionID(service, UInt16(number & 0xfff))
  }
}

/// The offset of each partition's next record after a position, by slot.
struct LogMark: Hashable, Sendable {
  var sequence: Int64
  var offsets: [Int64]

  init(sequence: Int64, offsets: [Int64]) {
    self.sequence = sequence
    self.offsets = offsets
  }

  /// Reads a row of `marks`; partitions missing in it begin with 0.
  init(sequence: Int64, bytes: UnsafeRawBufferPointer, slots: Int) {
    self.sequence = sequence
    offsets = (0..<slots).map { slot in
      guard (slot + 1) * 8 <= bytes.count else { return 0 }
      return Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: slot * 8, as: Int64.self))
    }
  }

  var bytes: [UInt8] {
    offsets.flatMap { offset in withUnsafeBytes(of: offset.littleEndian) { Array($0) } }
  }

  /// Whether every record before the mark was released.
  func isTrimmable(_ trimmedThrough: [Int64]) -> Bool {
    zip(offsets, trimmedThrough).allSatisfy { next, trimmed in next <= trimmed + 1 }
  }
}

/// An encoded record: a part of the bytes of all records of one append.
struct EncodedRecord: LogBody {
  let bytes: [UInt8]
  let range: Range<Int>

  var byteCount: Int { range.count }

  static func encode(_ appends: [RecordAppend]) -> [EncodedRecord] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(appends.reduce(0) { $0 + 128 + 192 * min($1.record.entryCount, 1_024) })
    var ends: [Int] = []
    ends.reserveCapacity(appends.count)
    for append in appends {
      LogRecordCodec.encode(append.record, into: &bytes)
      ends.append(bytes.count)
    }
    var start = 0
    return ends.map { end in
      defer { start = end }
      return EncodedRecord(bytes: bytes, range: start..<end)
    }
  }

  static func decode(_ bytes: UnsafeRawBufferPointer) -> LoggedRecord.Content {
    do throws(WireError) {
      return .record(try LogRecordCodec.decode(bytes))
    } catch {
      return .undecodable(reason: "\(error)")
    }
  }
}

extension LogRecord {
  fileprivate var entryCount: Int {
    switch self {
    case .owned: 1
    case .turn(let turn): turn.entries.count
    }
  }
}

/// A file's sequence of records.
typealias FileSequencer = RecordSequencer<EncodedRecord>
