import EventLog
import Model
import SQLiteFolder
import SQLiteLog
import Synchronization
import TestSupport
import Threads

/// A data folder with a log, to be opened again and again.
struct Fixture {
  static let partitionCount = 4
  let temporary: TemporaryFolder
  var path: String { temporary.path + "/data" }
  var logPath: String { path + "/log.sqlite" }

  init() throws { temporary = try TemporaryFolder() }

  func folder() throws -> DataFolder {
    try DataFolder(path: path, partitionCount: Self.partitionCount, files: [LogFile.file])
  }

  func open(_ change: (inout SQLiteLog.Options) -> Void = { _ in }) throws -> SQLiteLog {
    var options = SQLiteLog.Options()
    change(&options)
    return try SQLiteLog(folder: folder(), options: options)
  }

  /// Everything in the log, in its order.
  func readAll() throws -> [Delivery] {
    try SQLiteLogReader(path: path).read(after: .zero, limit: .max)
  }
}

/// An owner whose wake-ups are a signal.
final class SignalOwner: LogOwner {
  let signal: Signal
  private let changes = Atomic<Int>(0)
  var changeCount: Int { changes.load(ordering: .sequentiallyConsistent) }
  /// Owners of one lane share its signal.
  init(_ signal: Signal = Signal()) { self.signal = signal }
  func deliveriesArrived() { signal.set() }
  func durabilityChanged() { changes.add(1, ordering: .sequentiallyConsistent) }

  /// Takes until `count` records came, or a minute is over.
  func collect(_ count: Int, from log: SQLiteLog, recordsMax: Int = 1_000) -> [Delivery] {
    var all: [Delivery] = []
    _ = eventually {
      all += log.takeDeliveries(of: self, recordsMax: recordsMax)
      return all.count >= count
    }
    log.flushHint(by: self)
    return all
  }

  /// Appends until a record comes back before it is durable; then nothing is left in the inbox.
  func waitUntilLive(_ log: SQLiteLog, _ partition: PartitionID) -> Bool {
    eventually {
      let position = try? log.append([append(partition, 0)], by: self)
      let taken = log.takeDeliveries(of: self, recordsMax: .max)
      log.flushHint(by: self)
      return position != nil && taken.last?.position == position
    }
  }
}

let orders = PartitionID(.orders, 0)
let stock = PartitionID(.stock, 1)
let payments = PartitionID(.payments, 3)

/// A record that carries `number`.
func append(_ partition: PartitionID, _ number: Int64, isRefusable: Bool = false) -> Append {
  let entry = Entry(time: Timestamp(milliseconds: number), body: .control(.rules(version: 1)))
  return Append(partition: partition, record: Record(entries: [entry]), isRefusable: isRefusable)
}

extension Delivery {
  /// The number that `append` put in.
  var number: Int64? {
    guard case .record(let record) = content else { return nil }
    return record.entries.first?.time.milliseconds
  }

  /// `orders-0@3=17`
  var text: String { "\(partition)@\(offset)=\(number.map(String.init) ?? "?")" }
}

extension SQLiteLog {
  /// Appends, and waits until it is durable.
  func write(_ appends: [Append]) throws {
    let position = try append(appends, by: nil)
    flushHint(by: nil)
    guard eventually({ durable >= position || failure != nil }), durable >= position else {
      throw LogFailure(.write, "not durable in time")
    }
  }
}
