import Model

/// Records in the order of the log; taking the first one away costs nothing on average.
struct RecordQueue: Sendable, Sequence {
  private var records: [Delivery] = []
  private var head = 0

  var count: Int { records.count - head }
  var isEmpty: Bool { head == records.count }
  var first: Delivery? { isEmpty ? nil : records[head] }

  mutating func append(_ record: Delivery) { records.append(record) }

  mutating func removeFirst() {
    guard !isEmpty else { return }
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
