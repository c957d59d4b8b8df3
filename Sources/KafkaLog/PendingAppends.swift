import EventLog
import Model

/// What was given to a producer and not reported on yet. A delivery report carries the tag of its row.
struct PendingAppends: Sendable {
  struct Row: Sendable {
    let partition: PartitionID
    let record: Record
    let owner: (any LogOwner)?
    /// Among the messages; 0 for commands.
    let number: UInt64
    let byteCount: Int
    /// Which producer has it.
    let generation: UInt32

    var isMessage: Bool { number > 0 }
  }

  private(set) var count = 0
  private(set) var messageCount = 0
  private(set) var byteCount = 0
  private var countByOwner: [ObjectIdentifier: Int] = [:]
  private var rows: [Row?] = []
  private var free: [Int] = []

  /// Keeps a row; returns its tag, which is never 0.
  mutating func add(_ row: Row) -> UInt {
    count += 1
    byteCount += row.byteCount
    if row.isMessage { messageCount += 1 }
    if let owner = row.owner { countByOwner[ObjectIdentifier(owner), default: 0] += 1 }
    let place: Int
    if let last = free.popLast() {
      place = last
      rows[place] = row
    } else {
      place = rows.count
      rows.append(row)
    }
    return UInt(row.generation) << 32 | UInt(place + 1)
  }

  /// How many of the rows an owner appended.
  func count(of owner: any LogOwner) -> Int { countByOwner[ObjectIdentifier(owner)] ?? 0 }

  /// Takes the row of a tag; nil when it was taken before, whoever made the tag.
  mutating func take(_ tag: UInt) -> Row? {
    let place = Int(tag & 0xffff_ffff) - 1
    guard rows.indices.contains(place), let row = rows[place], row.generation == UInt32(tag >> 32) else { return nil }
    remove(row, at: place)
    return row
  }

  /// Takes everything that a producer has, in no particular order.
  mutating func takeAll(of generation: UInt32) -> [Row] {
    var taken: [Row] = []
    for (place, row) in rows.enumerated() {
      guard let row, row.generation == generation else { continue }
      remove(row, at: place)
      taken.append(row)
    }
    return taken
  }

  private mutating func remove(_ row: Row, at place: Int) {
    rows[place] = nil
    free.append(place)
    count -= 1
    byteCount -= row.byteCount
    if row.isMessage { messageCount -= 1 }
    if let owner = row.owner { countByOwner[ObjectIdentifier(owner), default: 1] -= 1 }
  }
}
