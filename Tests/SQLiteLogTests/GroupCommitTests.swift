import EventLog
import Model
import SQLiteFolder
import SQLiteLog
import Synchronization
import Testing
import TestSupport
import Threads
import Wire

/// A lane of a saga: sleeps until it is woken, takes what came for its owners, appends the next hops, hints.
private final class SagaLane: Sendable {
  let signal = Signal()
  private let isEnded = Atomic<Bool>(false)

  /// Each record's number is the saga times 100 plus the hop; `route` names the hops' partitions.
  func run(_ log: SQLiteLog, _ owners: [SignalOwner], _ route: [PartitionID]) {
    while true {
      signal.wait()
      if isEnded.load(ordering: .acquiring) { return }
      for owner in owners { turn(log, owner, route) }
    }
  }

  private func turn(_ log: SQLiteLog, _ owner: SignalOwner, _ route: [PartitionID]) {
    while true {
      let deliveries = log.takeDeliveries(of: owner, recordsMax: 16)
      if deliveries.isEmpty { break }
      for delivery in deliveries {
        guard let number = delivery.number, number > 0 else { continue }
        let hop = Int(number % 100) + 1
        if hop < route.count { _ = try? log.append([append(route[hop], number + 1)], by: owner) }
      }
    }
    log.flushHint(by: owner)
  }

  func end() {
    isEnded.store(true, ordering: .releasing)
    signal.set()
  }
}

@Suite struct GroupCommitTests {
  /// Three owners on two threads, six hops: one group when the server is idle, whatever the threads' timing.
  @Test func aSagaEndsInOneCommit() throws {
    let fixture = try Fixture()
    let log = try fixture.open()
    let lanes = [SagaLane(), SagaLane()]
    let (a, b, c) = (SignalOwner(lanes[0].signal), SignalOwner(lanes[1].signal), SignalOwner(lanes[0].signal))
    try log.subscribe(a, to: [orders: -1])
    try log.subscribe(b, to: [stock: -1])
    try log.subscribe(c, to: [payments: -1])
    #expect(a.waitUntilLive(log, orders) && b.waitUntilLive(log, stock) && c.waitUntilLive(log, payments))
    #expect(eventually { log.statistics.recordsPending == 0 })

    let route = [orders, stock, payments, orders, stock, orders]
    let threads = [
      BackgroundThread("lane 0") { lanes[0].run(log, [a, c], route) },
      BackgroundThread("lane 1") { lanes[1].run(log, [b], route) },
    ]
    for saga in 1...50 {
      let before = log.statistics
      _ = try log.append([append(orders, Int64(saga) * 100)], by: nil)
      #expect(eventually { log.statistics.recordsWritten == before.recordsWritten + 6 })
      #expect(log.statistics.commits == before.commits + 1, "saga \(saga)")
    }
    for lane in lanes { lane.end() }
    for thread in threads { thread?.join() }
    log.close()
  }

  /// Sagas from two threads at once, never a hint but at the end of a turn: every record becomes durable.
  @Test(arguments: [UInt64(1), 2, 3, 4])
  func nothingWaitsForEver(_ seed: UInt64) throws {
    let fixture = try Fixture()
    let log = try fixture.open { $0.limits.groupRecordsDue = 1_000 }
    let lanes = [SagaLane(), SagaLane()]
    let (a, b) = (SignalOwner(lanes[0].signal), SignalOwner(lanes[1].signal))
    try log.subscribe(a, to: [orders: -1])
    try log.subscribe(b, to: [stock: -1])
    #expect(a.waitUntilLive(log, orders) && b.waitUntilLive(log, stock))
    #expect(eventually { log.statistics.recordsPending == 0 })
    let route = [orders, stock, orders, stock, orders]
    let threads = [
      BackgroundThread("lane 0") { lanes[0].run(log, [a], route) },
      BackgroundThread("lane 1") { lanes[1].run(log, [b], route) },
    ]
    var random = SeededGenerator(seed: seed)
    for round in 1...100 {
      let before = log.statistics.recordsWritten
      let sagas = Int.random(in: 1...4, using: &random)
      for saga in 0..<sagas {
        _ = try log.append([append(orders, Int64(round * 10 + saga) * 100)], by: nil)
      }
      #expect(
        eventually { log.statistics.recordsWritten == before + UInt64(5 * sagas) }, "round \(round), seed \(seed)")
    }
    for lane in lanes { lane.end() }
    for thread in threads { thread?.join() }
    log.close()
  }

  /// An owner that took something and never comes back holds a group up for a bounded number of hints.
  @Test func aStuckOwnerDelaysTheOthersBoundedly() throws {
    let fixture = try Fixture()
    let log = try fixture.open { $0.limits.groupHintsMax = 5 }
    let (stuck, other) = (SignalOwner(), SignalOwner())
    try log.subscribe(stuck, to: [orders: -1])
    #expect(stuck.waitUntilLive(log, orders))
    #expect(eventually { log.statistics.recordsPending == 0 })
    let position = try log.append([append(orders, 1), append(stock, 2)], by: other)
    #expect(log.takeDeliveries(of: stuck, recordsMax: 10).count == 1)
    for _ in 0..<4 { log.flushHint(by: other) }
    #expect(log.statistics.recordsPending == 2)
    log.flushHint(by: other)
    #expect(eventually { log.durable >= position })
    log.close()
  }

  @Test func aFullGroupNeedsNoHint() throws {
    let fixture = try Fixture()
    let log = try fixture.open { $0.limits.groupRecordsDue = 10 }
    let position = try log.append((0..<10).map { append(orders, $0) }, by: nil)
    #expect(eventually { log.durable >= position })
    log.close()
  }

  @Test func refusesCommandsForAFullInboxAndNeverMessages() throws {
    let fixture = try Fixture()
    let full = try fixture.open { $0.limits.inboxRecordsMax = 3 }
    let slow = SignalOwner()
    try full.subscribe(slow, to: [orders: -1])
    #expect(slow.waitUntilLive(full, orders))
    _ = try full.append((0..<3).map { append(orders, $0, isRefusable: true) }, by: nil)
    #expect(throws: LogRefusal.backlog) { try full.append([append(orders, 4, isRefusable: true)], by: nil) }
    _ = try full.append([append(stock, 5, isRefusable: true)], by: nil)
    _ = try full.append([append(orders, 6)], by: nil)
    #expect(slow.collect(4, from: full).map(\.number) == [0, 1, 2, 6])
    full.close()
  }

  @Test func dividesWhatIsTooLargeForOneRecord() throws {
    let fixture = try Fixture()
    let log = try fixture.open { $0.limits.recordBytesMax = 64 }
    let entries = (Int64(0)..<100).map { Entry(time: Timestamp(milliseconds: $0), body: .control(.rules(version: 1))) }
    let large = Append(partition: orders, record: Record(entries: entries), isRefusable: false)
    try log.write([append(orders, 1), large, append(orders, 2)])
    #expect(log.nextOffset(of: orders) > 3)
    log.close()
    let read = try fixture.readAll()
    #expect(read.map(\.offset) == Array(0..<Int64(read.count)))
    var times: [Int64] = []
    for delivery in read {
      guard case .record(let record) = delivery.content else { continue }
      var bytes: [UInt8] = []
      RecordCodec.encode(record, into: &bytes)
      #expect(bytes.count <= 64)
      times += record.entries.map(\.time.milliseconds)
    }
    #expect(times == [1] + Array(0..<100) + [2])
  }

  @Test func noRecordHasMoreEntriesThanAReaderTakes() throws {
    let fixture = try Fixture()
    let log = try fixture.open { $0.limits.recordBytesMax = .max }
    let entry = Entry(time: .zero, body: .control(.rules(version: 1)))
    let entries = Array(repeating: entry, count: WireLimits.recordEntriesMax + 1)
    try log.write([Append(partition: orders, record: Record(entries: entries), isRefusable: false)])
    log.close()
    let counts = try fixture.readAll().map { delivery -> Int in
      if case .record(let record) = delivery.content { record.entries.count } else { -1 }
    }
    #expect(counts == [entries.count / 2, entries.count - entries.count / 2])
  }
}
