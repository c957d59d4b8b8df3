import Ports
// Not the one of the module `Testing`.
import struct Ports.Confirmation
import Lanes
import Model
import PartitionCore
import Streams
import Synchronization
import TestSupport
import Testing

@testable import Kafka

/// A lane that counts its wake-ups.
final class TestLane: LogLane {
  private let wakes = Atomic<Int>(0)
  var wakeCount: Int { wakes.load(ordering: .sequentiallyConsistent) }
  func logHasNews() { wakes.add(1, ordering: .sequentiallyConsistent) }
}

/// An append that carries `number`, at least 1.
func logAppend(_ partition: PartitionID, _ number: UInt64, entries: [LoggedInput] = []) -> RecordAppend {
  let turn = TurnRecord(
    owner: OwnerID(epoch: 1, run: 7), number: number, time: Timestamp(milliseconds: Int64(number)), entries: entries)
  return RecordAppend(partition: partition, record: .turn(turn))
}

/// The announcement of an owner.
func ownedAppend(_ partition: PartitionID, epoch: UInt64 = 1) throws -> RecordAppend {
  RecordAppend(
    partition: partition, record: .owned(try #require(Owner(epoch: epoch, incarnation: 7, address: "here"))))
}

/// More than the smallest records that options allow.
func oversizedAppend(_ partition: PartitionID, _ number: UInt64) throws -> RecordAppend {
  let item = try #require(ItemID(validating: String(repeating: "i", count: 64)))
  let order = try #require(OrderID(validating: "huge"))
  let user = try #require(UserID(validating: "u"))
  let slip = Slip(
    attempt: AttemptID(order: order, number: 1), user: user, total: .zero,
    stops: [
      Slip.Stop(partition: 1, lines: Array(repeating: Slip.Line(item: item, quantity: Quantity.one), count: 3_000))
    ], trace: nil)
  return logAppend(partition, number, entries: [LoggedInput(origin: nil, body: .message(.charge(slip)))])
}

extension Confirmation {
  /// `orders-0@3#17`: the offset, and the record's number; `-` for one that has none or whose offset is unknown.
  var text: String {
    "\(partition)@\(offset.map(String.init) ?? "-")#\(number.map(String.init) ?? "-")"
  }
}

extension ReadEvent {
  /// Nothing more comes of the partition.
  var isEnd: Bool {
    switch self {
    case .ended, .broken: true
    case .record, .undecodable: false
    }
  }

  /// `orders-0@3#17`, `orders-0@3#?` for what is no record, `orders-0 ends 4`, `orders-0 broken`.
  var text: String {
    switch self {
    case .record(let record, let offset, let partition):
      "\(partition)@\(offset)#\(record.number.map(String.init) ?? "-")"
    case .undecodable(_, let offset, let partition): "\(partition)@\(offset)#?"
    case .ended(let partition, let end): "\(partition) ends \(end)"
    case .broken(let partition, _): "\(partition) broken"
    }
  }
}

/// Who carries appends to the brokers.
enum Appending: CaseIterable {
  /// librdkafka, as where connections take TLS or SASL.
  case library
  /// Kassa's own producer, on loops of their own.
  case own
}

/// A loop, and what was confirmed to it.
final class LoopedLane: Sendable {
  let lane: Lane
  private let confirmed = Mutex<[Confirmation]>([])

  init(_ place: Int, of log: KafkaRecordLog) throws {
    lane = try Lane(index: place)
    try log.attach(place, to: lane)
    try lane.start { [self] in
      let taken = log.takeConfirmations(of: place)
      confirmed.withLock { $0 += taken }
      return false
    }
  }

  func takeConfirmations() -> [Confirmation] {
    confirmed.withLock { confirmed in
      defer { confirmed = [] }
      return confirmed
    }
  }

  /// Runs it on the loop, and waits.
  func run(_ body: @escaping @Sendable () -> Void) {
    let done = Signal()
    lane.post {
      body()
      done.set()
    }
    done.wait()
  }
}

/// A log, and lanes that the test looks after.
struct LogBench {
  let log: KafkaRecordLog
  let lanes: [TestLane]
  let events = EventList()
  /// Empty where the test itself is the lanes.
  private let loops: [LoopedLane]

  init(
    _ options: KafkaOptions, _ appending: Appending = .library, lanes count: Int = 2,
    keeping cluster: MockCluster? = nil
  ) throws {
    let events = events
    // The cluster lives as long as its logs.
    let log = try KafkaRecordLog(options: options) { event in withExtendedLifetime(cluster) { events.add(event) } }
    self.log = log
    lanes = (0..<count).map { _ in TestLane() }
    log.attach(lanes)
    loops = appending == .own ? try (0..<count).map { try LoopedLane($0, of: log) } : []
  }

  func append(_ appends: [RecordAppend], by lane: Int = 0) {
    guard !loops.isEmpty else { return log.append(appends, by: lane, expecting: []) }
    loops[lane].run { [log] in log.append(appends, by: lane, expecting: []) }
  }

  func takeConfirmations(of lane: Int = 0) -> [Confirmation] {
    // The loop's own turns wake nobody here.
    loops.isEmpty ? log.takeConfirmations(of: lane) : loops[lane].takeConfirmations()
  }

  func close() {
    for loop in loops {
      loop.lane.stop()
      loop.lane.join()
    }
    log.close()
  }

  /// Takes until `count` confirmations came, or a minute is over.
  func confirmations(_ count: Int, of lane: Int = 0) -> [Confirmation] {
    var all: [Confirmation] = []
    _ = eventually {
      all += takeConfirmations(of: lane)
      return all.count >= count
    }
    return all
  }

  /// Appends, and waits for the confirmations of all.
  @discardableResult
  func write(_ appends: [RecordAppend], by lane: Int = 0) -> [Confirmation] {
    append(appends, by: lane)
    return confirmations(appends.count, of: lane)
  }

  /// Takes what is read, until `partitions` partitions have ended, or a minute is over.
  func readEvents(_ partitions: Int = 1, of lane: Int = 0, eventsMax: Int = 1_000) -> [ReadEvent] {
    var all: [ReadEvent] = []
    _ = eventually {
      all += log.takeRead(of: lane, eventsMax: eventsMax)
      return all.count { $0.isEnd } >= partitions
    }
    return all
  }

  /// What clients of librdkafka and lanes complained of.
  var troubles: [String] {
    events.all.compactMap { if case .trouble(_, let text) = $0 { text } else { nil } }
  }
}

extension MockCluster {
  /// A log of records on the cluster.
  func records(
    _ appending: Appending = .library, lanes: Int = 2, _ change: (inout KafkaOptions) throws -> Void = { _ in }
  ) throws -> LogBench {
    var options = try options()
    try change(&options)
    return try LogBench(options, appending, lanes: lanes, keeping: self)
  }
}
