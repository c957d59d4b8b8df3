import Model
import PartitionCore
import Streams

// The queues of a tenure.

/// An input that was admitted but not applied.
struct Inbound: Sendable {
  let origin: LoggedInput.Origin?
  let input: StreamInput
  /// The partition's time as last known to the sender.
  let asOf: Timestamp
}

/// Records that were read from the log but not applied yet.
struct ReplayQueue: Sendable {
  struct Read: Sendable {
    let offset: Int64
    /// nil for bytes that are not a record.
    let record: LogRecord?
    /// Why they are not one.
    var flaw = ""
  }

  private var records = FIFO<Read>()
  /// Entries of all records.
  private(set) var entryCount = 0
  /// The first record was judged, and counts: it waits for a load.
  var isJudged = false
  /// How many entries of the first record were applied.
  var nextEntry = 0
  /// The entry after them is not the next one of its stream.
  var isOutOfStream = false

  var isEmpty: Bool { records.isEmpty }
  var first: Read? { records.first }
  var all: ArraySlice<Read> { records.all }

  mutating func append(_ record: LogRecord, at offset: Int64) {
    records.append(Read(offset: offset, record: record))
    entryCount += record.entryCount
  }

  mutating func appendUndecodable(_ reason: String, at offset: Int64) {
    records.append(Read(offset: offset, record: nil, flaw: reason))
  }

  mutating func removeFirst() {
    entryCount -= records.first?.record?.entryCount ?? 0
    records.removeFirst()
    nextEntry = 0
    isJudged = false
  }
}

/// Keys that are not resident: requested from the store, one load at a time.
struct KeyLoads: Sendable {
  private(set) var requested: Set<EntityKey> = []
  private var toLoad: [EntityKey] = []
  private var underLoad: [EntityKey] = []
  /// Inputs wait for what is asked for.
  var isBlocking = false

  mutating func request(_ keys: [EntityKey]) {
    for key in keys where requested.insert(key).inserted { toLoad.append(key) }
  }

  /// The keys to load now, in one query; empty while a load is under way or nothing is missing.
  mutating func next() -> [EntityKey] {
    guard !toLoad.isEmpty, underLoad.isEmpty else { return [] }
    swap(&underLoad, &toLoad)
    return underLoad
  }

  mutating func ended() {
    requested.subtract(underLoad)
    underLoad = []
    isBlocking = false
  }
}

/// Replies that were revealed but that no pod has received: a successor sends them again.
struct UnreceivedReplies: Sendable {
  private var byRequest: [RequestID: (place: UInt64, reply: CommandReply)] = [:]
  private var nextPlace: UInt64 = 0
  private var oldest: [(place: UInt64, request: RequestID)] = []
  private var head = 0

  var count: Int { byRequest.count }

  /// Keeps a reply; forgets the oldest one beyond `max`.
  mutating func add(_ reply: CommandReply, max: Int) {
    nextPlace += 1
    byRequest[reply.request] = (nextPlace, reply)
    oldest.append((nextPlace, reply.request))
    while byRequest.count > max, let place = takeOldest() { byRequest[place] = nil }
    tidy()
  }

  mutating func remove(_ request: RequestID) {
    byRequest[request] = nil
    tidy()
  }

  private mutating func takeOldest() -> RequestID? {
    while head < oldest.count {
      defer { head += 1 }
      if byRequest[oldest[head].request]?.place == oldest[head].place { return oldest[head].request }
    }
    return nil
  }

  private mutating func tidy() {
    if byRequest.isEmpty {
      oldest.removeAll(keepingCapacity: true)
      head = 0
    } else if oldest.count > 64, oldest.count > 4 * byRequest.count {
      oldest = oldest[head...].filter { byRequest[$0.request]?.place == $0.place }
      head = 0
    }
  }

  /// All of them, oldest first.
  var all: [CommandReply] { byRequest.values.sorted { $0.place < $1.place }.map(\.reply) }
}
