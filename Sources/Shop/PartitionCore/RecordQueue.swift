import Model

/// Records in the order of the log; taking the first one away costs nothing on average.
struct RecordQueue: Sendable, Sequence {
  private var records: [Delivery] = []
  private var head = 0
  /// Entries of all records; bytes that are not a record count as one.
  private(set) var entryCount = 0

  var count: Int { records.count - head }
  var isEmpty: Bool { head == records.count }
  var first: Delivery? { isEmpty ? nil : records[head] }

  mutating func append(_ record: Delivery) {
    records.append(record)
    entryCount += Self.entryCount(record)
  }

  private static func entryCount(_ delivery: Delivery) -> Int {
    if case .record(let record) = delivery.content { record.entries.count } else { 1 }
  }

  mutating func removeFirst() {
    guard !isEmpty else { return }
    entryCount -= Self.entryCount(records[head])
    head += 1
    if isEmpty {
      records.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 64, head * 2 >= records.count {
      records.removeFirst(head)
      head = 0
    }
  }

  func makeIterator() -> ArraySlice<Delivery>.Iterator { records[head...].makeIterator() }
}
