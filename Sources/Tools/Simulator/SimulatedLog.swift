import Model
import Wire

/// The log of a simulated world: one order over all partitions, bytes as they would be on disk, and a watermark after
/// which a crash loses everything. Nothing is ever trimmed, so that a run can be replayed from zero.
struct SimulatedLog {
  struct Row {
    let partition: PartitionID
    let offset: Int64
    let bytes: [UInt8]
    let content: Delivery.Content
    /// The operator skipped it: owners get an empty record in its place.
    var isQuarantined = false
  }

  /// Row n has the log position n + 1.
  private(set) var rows: [Row] = []
  private(set) var durableCount = 0
  private var byPartition: [[Int]]
  private var durableByPartition: [Int]
  private let layout: Layout

  init(layout: Layout) {
    self.layout = layout
    byPartition = Array(repeating: [], count: layout.slotCount)
    durableByPartition = Array(repeating: 0, count: layout.slotCount)
  }

  var durable: LogPosition { LogPosition(UInt64(durableCount)) }
  var end: LogPosition { LogPosition(UInt64(rows.count)) }

  func count(of partition: PartitionID) -> Int { byPartition[layout.slot(partition)].count }
  func durableCount(of partition: PartitionID) -> Int { durableByPartition[layout.slot(partition)] }

  mutating func append(_ record: Record, to partition: PartitionID) -> LogPosition {
    var bytes: [UInt8] = []
    RecordCodec.encode(record, into: &bytes)
    return append(bytes: bytes, to: partition)
  }

  mutating func append(bytes: [UInt8], to partition: PartitionID) -> LogPosition {
    let slot = layout.slot(partition)
    let content = bytes.withUnsafeBytes { bytes -> Delivery.Content in
      do throws(WireError) {
        return .record(try RecordCodec.decode(bytes))
      } catch {
        return .undecodable(reason: error.reason)
      }
    }
    rows.append(
      Row(partition: partition, offset: Int64(byPartition[slot].count), bytes: bytes, content: content))
    byPartition[slot].append(rows.count - 1)
    return end
  }

  /// Makes up to `count` more records durable; returns the rows' places.
  mutating func sync(_ count: Int) -> Range<Int> {
    let before = durableCount
    durableCount = min(rows.count, durableCount + count)
    for row in rows[before..<durableCount] { durableByPartition[layout.slot(row.partition)] += 1 }
    return before..<durableCount
  }

  /// What a machine crash does. Returns the number of lost records.
  mutating func loseUndurable() -> Int {
    let lost = rows.count - durableCount
    for _ in 0..<lost {
      guard let row = rows.popLast() else { break }
      byPartition[layout.slot(row.partition)].removeLast()
    }
    return lost
  }

  mutating func quarantine(_ partition: PartitionID, _ offset: Int64) {
    rows[byPartition[layout.slot(partition)][Int(offset)]].isQuarantined = true
  }

  func row(_ partition: PartitionID, _ offset: Int) -> Row { rows[byPartition[layout.slot(partition)][offset]] }

  /// The record as its owner receives it.
  func delivery(_ partition: PartitionID, _ offset: Int) -> Delivery {
    let place = byPartition[layout.slot(partition)][offset]
    let row = rows[place]
    return Delivery(
      partition: partition, offset: row.offset,
      position: place < durableCount ? .zero : LogPosition(UInt64(place + 1)),
      content: row.isQuarantined ? .record(Record(entries: [])) : row.content)
  }
}

/// The partitions of a world, in one row.
struct Layout: Hashable, Sendable {
  let partitioner: Partitioner

  var slotCount: Int { partitioner.count * Service.allCases.count }

  func slot(_ partition: PartitionID) -> Int {
    Int(partition.service.rawValue) * partitioner.count + Int(partition.index)
  }

  var partitions: [PartitionID] {
    Service.allCases.flatMap { service in
      (0..<partitioner.count).map { PartitionID(service, UInt16($0)) }
    }
  }
}
