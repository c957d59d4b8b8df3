import EventLog
import Model
import Synchronization
import TestSupport

/// A log with what it needs.
struct LogFixture {
  static let partitionCount = 4
  let log = MemoryLog(partitionCount: Self.partitionCount)
}

/// An owner that notes its wake-ups and, when asked, everything delivered to it.
final class TestOwner: LogOwner {
  private let wakes = Atomic<Int>(0)
  private let changes = Atomic<Int>(0)
  var wakeCount: Int { wakes.load(ordering: .sequentiallyConsistent) }
  var changeCount: Int { changes.load(ordering: .sequentiallyConsistent) }
  func deliveriesArrived() { wakes.add(1, ordering: .sequentiallyConsistent) }
  func durabilityChanged() { changes.add(1, ordering: .sequentiallyConsistent) }

  /// Takes until `count` records came, or ten seconds are over.
  func collect(_ count: Int, from log: any EventLog, recordsMax: Int = 1_000) -> [Delivery] {
    var all: [Delivery] = []
    _ = eventually {
      all += log.takeDeliveries(of: self, recordsMax: recordsMax)
      return all.count >= count
    }
    log.flushHint(by: self)
    return all
  }
}

/// A record that carries `number`.
func record(_ number: Int64) -> Record {
  Record(entries: [Entry(time: Timestamp(milliseconds: number), body: .control(.rules(version: 1)))])
}

func append(_ partition: PartitionID, _ number: Int64, isRefusable: Bool = false) -> Append {
  Append(partition: partition, record: record(number), isRefusable: isRefusable)
}

extension Delivery {
  /// The number that `record` put in.
  var number: Int64? {
    guard case .record(let record) = content else { return nil }
    return record.entries.first?.time.milliseconds
  }

  /// `orders-0@3=17`
  var text: String { "\(partition)@\(offset)=\(number.map(String.init) ?? "?")" }
}
