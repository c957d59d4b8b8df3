import Model

/// Entries by the partition that they go to, in the order in which the partitions were first named.
struct Outbox {
  private var entries: [[Entry]]
  private var touched: [Int] = []
  private(set) var count = 0

  init(partitionCount: Int) {
    entries = Array(repeating: [], count: partitionCount)
  }

  var isEmpty: Bool { touched.isEmpty }

  /// What goes to no partition is not taken; the core lets nothing of that kind out.
  mutating func append(_ entry: Entry, to partition: Int) {
    guard entries.indices.contains(partition) else { return }
    if entries[partition].isEmpty { touched.append(partition) }
    entries[partition].append(entry)
    count += 1
  }

  /// Empties the outbox into one record for each partition.
  mutating func take<Element>(_ make: (Int, Record) -> Element) -> [Element] {
    var made: [Element] = []
    made.reserveCapacity(touched.count)
    for partition in touched {
      var taken: [Entry] = []
      swap(&taken, &entries[partition])
      made.append(make(partition, Record(entries: taken)))
    }
    touched.removeAll(keepingCapacity: true)
    count = 0
    return made
  }
}
