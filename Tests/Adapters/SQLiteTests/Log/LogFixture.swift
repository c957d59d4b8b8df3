import Ports
import Model
import PartitionCore
import SQLite
import Streams
import Synchronization
import TestSupport
import Lanes

/// A data folder with a log, to be opened again and again.
struct LogFixture {
  static let partitionCount = 4
  let temporary: TemporaryFolder
  var path: String { temporary.path + "/data" }
  var logPath: String { path + "/log.sqlite" }

  init() throws { temporary = try TemporaryFolder() }

  func folder() throws -> DataFolder {
    try DataFolder(path: path, partitionCount: Self.partitionCount, files: [LogFile.file])
  }

  /// Opens the log and names its lanes.
  func open(
    _ lanes: [any LogLane] = [SignalLane()], _ change: (inout SQLiteLog.Options) -> Void = { _ in }
  ) throws -> SQLiteLog {
    var options = SQLiteLog.Options()
    change(&options)
    let log = try SQLiteLog(folder: folder(), options: options)
    log.attach(lanes)
    return log
  }

  /// Everything in the log, in its order.
  func readAll() throws -> [LoggedRecord] {
    try SQLiteLogReader(path: path).read(after: 0, limit: .max)
  }
}

/// A lane whose wake-ups are a signal.
final class SignalLane: LogLane {
  let signal = Signal()
  private let wakes = Atomic<Int>(0)
  var wakeCount: Int { wakes.load(ordering: .sequentiallyConsistent) }
  func logHasNews() {
    wakes.add(1, ordering: .sequentiallyConsistent)
    signal.set()
  }
}

let orders = PartitionID(.orders, 0)
let stock = PartitionID(.stock, 1)
let payments = PartitionID(.payments, 3)

/// An append that carries `number`, at least 1.
func append(_ partition: PartitionID, _ number: UInt64, _ entries: [LoggedInput] = []) -> RecordAppend {
  let turn = TurnRecord(
    owner: OwnerID(epoch: 1, run: 7), number: number, time: Timestamp(milliseconds: Int64(number)), entries: entries)
  return RecordAppend(partition: partition, record: .turn(turn))
}

extension LoggedRecord {
  /// The number that `append` put in.
  var number: UInt64? {
    guard case .record(let record) = content else { return nil }
    return record.number
  }

  /// `orders-0@3#17`
  var text: String { "\(partition)@\(offset)#\(number.map(String.init) ?? "?")" }
}

extension ReadEvent {
  /// `orders-0@3#17`, `orders-0@3#?` for what is no record, `orders-0 ends 4`.
  var text: String {
    switch self {
    case .record(let record, let offset, let partition):
      "\(partition)@\(offset)#\(record.number.map(String.init) ?? "-")"
    case .undecodable(_, let offset, let partition): "\(partition)@\(offset)#?"
    case .ended(let partition, let end): "\(partition) ends \(end)"
    case .broken(let partition, _): "\(partition) broken"
    }
  }

  var isEnd: Bool {
    if case .ended = self { true } else { false }
  }
}

extension SQLiteLog {
  /// Appends on the first lane, and waits until it is durable.
  func write(_ appends: [RecordAppend]) throws {
    append(appends, by: 0, expecting: [])
    turnEnded(by: 0)
    var confirmed = 0
    let isDone = eventually {
      confirmed += takeConfirmations(of: 0).count
      return confirmed >= appends.count || failure != nil
    }
    if let failure { throw failure }
    guard isDone else { throw LogFailure(.write, "not durable in time") }
  }

  /// Waits for the log itself to know that a partition begins with `offset`: a reader of the file sees the trimming
  /// as soon as it is committed, a moment before that.
  func hasBegun(_ partition: PartitionID, with offset: Int64) -> Bool {
    eventually {
      refusal(after: [partition: offset - 1]) == nil && refusal(after: [partition: offset - 2])?.code == .trimmed
    }
  }

  /// Takes what is read for a lane, until `partitions` partitions have ended, the log fails, or a minute is over.
  func readEvents(_ partitions: Int, of lane: Int = 0, eventsMax: Int = 1_000) -> [ReadEvent] {
    var all: [ReadEvent] = []
    _ = eventually {
      all += takeRead(of: lane, eventsMax: eventsMax)
      return all.count { $0.isEnd } >= partitions || failure != nil
    }
    return all
  }
}
