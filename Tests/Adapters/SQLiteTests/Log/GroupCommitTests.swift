import Ports
import Model
import PartitionCore
import SQLite
import Streams
import Synchronization
import TestSupport
import Testing
import Lanes

/// A lane on a thread of its own, as the runtime's are: sleeps until it is woken, takes its mail and what the log says,
/// appends the next hops, ends its turn, and then sends them on.
private final class SagaLane: LogLane {
  private let signal = Signal()
  private let mail = Mutex<[Hop]>([])
  private let confirmed = Atomic<Int>(0)
  private let isEnded = Atomic<Bool>(false)

  /// The record of a saga that is to be appended next.
  struct Hop {
    let saga: UInt64
    let step: Int
  }

  func logHasNews() { signal.set() }

  func send(_ hops: [Hop]) {
    mail.withLock { $0 += hops }
    signal.set()
  }

  var confirmedCount: Int { confirmed.load(ordering: .sequentiallyConsistent) }

  func end() {
    isEnded.store(true, ordering: .releasing)
    signal.set()
  }

  /// The step of a saga says by its number to which lane it goes: lane `index` has the partition `stock-index`.
  func run(_ log: SQLiteLog, _ index: Int, _ lanes: [SagaLane], _ route: [Int]) {
    var number: UInt64 = 1
    while true {
      signal.wait()
      if isEnded.load(ordering: .acquiring) { return }
      let hops = mail.withLock { mail in
        defer { mail = [] }
        return mail
      }
      confirmed.add(log.takeConfirmations(of: index).count, ordering: .sequentiallyConsistent)
      guard !hops.isEmpty else { continue }
      let next = hops.map { Hop(saga: $0.saga, step: $0.step + 1) }.filter { $0.step < route.count }
      let others = Set(next.map { route[$0.step] })
      let appends = hops.indices.map { append(PartitionID(.stock, UInt16(index)), number + UInt64($0)) }
      number += UInt64(hops.count)
      log.append(appends, by: index, expecting: others.sorted())
      log.turnEnded(by: index)
      for other in others { lanes[other].send(next.filter { route[$0.step] == other }) }
    }
  }
}

@Suite struct GroupCommitTests {
  /// Runs lanes on threads until `body` is done.
  private func withLanes(
    _ count: Int, route: [Int], _ change: (inout SQLiteLog.Options) -> Void = { _ in },
    _ body: (SQLiteLog, [SagaLane]) throws -> Void
  ) throws {
    let fixture = try LogFixture()
    let lanes = (0..<count).map { _ in SagaLane() }
    let log = try fixture.open(lanes, change)
    let threads = lanes.indices.map { index in
      BackgroundThread("lane \(index)") { lanes[index].run(log, index, lanes, route) }
    }
    defer {
      for lane in lanes { lane.end() }
      for thread in threads { thread?.join() }
      log.close()
    }
    try body(log, lanes)
  }

  /// Three lanes on threads, six hops: one group when the server is idle, whatever the threads' timing.
  @Test func aSagaEndsInOneCommit() throws {
    try withLanes(3, route: [0, 1, 2, 0, 1, 0]) { log, lanes in
      for saga in UInt64(1)...50 {
        let before = log.statistics
        lanes[0].send([SagaLane.Hop(saga: saga, step: 0)])
        try #require(eventually { log.statistics.recordsWritten == before.recordsWritten + 6 }, "saga \(saga)")
        #expect(log.statistics.commits == before.commits + 1, "saga \(saga)")
        try #require(eventually { lanes.reduce(0) { $0 + $1.confirmedCount } == Int(saga) * 6 }, "every lane is told")
      }
    }
  }

  /// Lanes that expect each other, never an end of a turn but their own, and nothing else that could begin a group:
  /// every record becomes durable, within a minute each time.
  @Test(arguments: [UInt64(1), 2, 3, 4])
  func nothingWaitsForEver(_ seed: UInt64) throws {
    let route = [0, 1, 2, 3, 1, 0]
    func bounds(_ options: inout SQLiteLog.Options) {
      options.limits.groupRecordsDue = 10_000
      options.limits.groupBytesDue = 16 << 20
      options.limits.groupHintsMax = 1_000_000
    }
    try withLanes(4, route: route, bounds) { log, lanes in
      var random = SeededGenerator(seed: seed)
      var hops = 0
      for round in UInt64(1)...100 {
        for saga in 0..<UInt64.random(in: 1...4, using: &random) {
          let step = Int.random(in: 0..<route.count, using: &random)
          lanes[route[step]].send([SagaLane.Hop(saga: round * 10 + saga, step: step)])
          hops += route.count - step
        }
        // Some rounds overlap.
        guard Bool.random(using: &random) else { continue }
        let isDone = eventually { lanes.reduce(0) { $0 + $1.confirmedCount } == hops }
        try #require(isDone, "round \(round), seed \(seed): \(log.statistics)")
      }
      #expect(eventually { lanes.reduce(0) { $0 + $1.confirmedCount } == hops }, "seed \(seed)")
    }
  }

  /// The same under load, and under bounds so low that groups begin for every reason there is.
  @Test(arguments: [UInt64(1), 2])
  func nothingWaitsForEverUnderLoad(_ seed: UInt64) throws {
    let route = [0, 1, 2, 1, 0]
    func bounds(_ options: inout SQLiteLog.Options) {
      options.limits.groupRecordsDue = 20
      options.limits.groupHintsMax = 3
      options.segmentRecordsMax = 100
      options.checkpointPagesDue = 20
      options.checkpointPagesMax = 40
    }
    try withLanes(3, route: route, bounds) { log, lanes in
      var random = SeededGenerator(seed: seed)
      var sagas = 0
      for round in UInt64(0)..<200 {
        let count = Int.random(in: 1...20, using: &random)
        sagas += count
        lanes[0].send((0..<count).map { SagaLane.Hop(saga: round * 100 + UInt64($0), step: 0) })
        let hops = sagas * route.count
        try #require(eventually { hops - lanes.reduce(0) { $0 + $1.confirmedCount } < 500 }, "seed \(seed)")
      }
      let hops = sagas * route.count
      #expect(eventually { lanes.reduce(0) { $0 + $1.confirmedCount } == hops }, "seed \(seed): \(log.statistics)")
      #expect(log.durable == UInt64(hops))
    }
  }

  /// A lane that is expected and never comes back holds a group up for a bounded number of ends of turns.
  @Test func aStuckLaneDelaysTheOthersBoundedly() throws {
    let fixture = try LogFixture()
    let log = try fixture.open([SignalLane(), SignalLane()]) { $0.limits.groupHintsMax = 5 }
    log.append([append(orders, 1), append(stock, 1)], by: 0, expecting: [1])
    for _ in 0..<4 { log.turnEnded(by: 0) }
    #expect(log.statistics.recordsPending == 2)
    log.turnEnded(by: 0)
    #expect(eventually { log.durable == 2 })
    log.close()
  }

  @Test func aFullGroupNeedsNoEndOfATurn() throws {
    let fixture = try LogFixture()
    let log = try fixture.open([SignalLane(), SignalLane()]) { $0.limits.groupRecordsDue = 10 }
    log.append((1...10).map { append(orders, $0) }, by: 0, expecting: [1])
    #expect(eventually { log.durable == 10 })
    log.close()
  }

  /// What waits behind a commit that is under way is a backlog until the next one begins.
  @Test func aBacklogEndsWithTheNextGroup() throws {
    let fixture = try LogFixture()
    let log = try fixture.open([SignalLane(), SignalLane()]) { options in
      options.limits.queuedRecordsMax = 4
      options.limits.groupRecordsDue = 4
    }
    for round in UInt64(0)..<200 {
      log.append((1...5).map { append(orders, round * 5 + $0) }, by: 0, expecting: [1])
      #expect(eventually { !log.isBacklogged }, "round \(round)")
    }
    #expect(eventually { log.durable == 1_000 })
    log.close()
  }

  /// A record of many bytes comes back as it was.
  @Test func keepsLargeRecords() throws {
    let fixture = try LogFixture()
    let log = try fixture.open()
    let entries = (UInt64(1)...20_000).map {
      LoggedInput(origin: LoggedInput.Origin(source: .partition(stock), number: $0), body: .skip(nil, .overloaded))
    }
    let large = append(orders, 2, entries)
    try log.write([append(orders, 1), large, append(orders, 3)])
    log.close()
    let read = try fixture.readAll()
    #expect(read.map(\.text) == ["orders-0@0#1", "orders-0@1#2", "orders-0@2#3"])
    guard case .record(let record) = read[1].content else {
      Issue.record("it cannot be decoded")
      return
    }
    #expect(record == large.record)
  }
}
