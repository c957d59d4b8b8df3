import Foundation
import Model
import PartitionCore
import Postgres
import SQLite
import Ports
import TestSupport
import Testing

/// Writes 100,000 orders of two lines as checkpoints, all of them once more, and loads them; prints what it took,
/// beside the store in SQLite. It asserts that every row came back, and no speed: that is the machine's. To measure:
///
///     swift test -c release -Xswiftc -enable-testing --filter SpeedTests
@Suite(.serialized) struct SpeedTests {
  private static let partitionCount = 4
  private static let checkpointRows = 5_000
  private static let checkpoints = 5
  private static let loadKeys = 2_000

  @Test func postgres() throws {
    let fixture = try Fixture(PostgresServer())
    let store = try fixture.open(.orders)
    try measure("PostgresStore", store) { fixture.server.cpuSeconds }
    let counters = store.counters
    print(
      "PostgresStore: \(counters.transactions) transactions,",
      "\(counters.bytesWritten / counters.rowsWritten) bytes a body,",
      "\(try fixture.sql("SELECT pg_total_relation_size('kassa.entities')")) bytes on disk")
    store.close()
  }

  @Test func sqlite() throws {
    let temporary = try TemporaryFolder()
    let store = try SQLiteStore(
      folder: DataFolder(path: temporary.path + "/data", partitionCount: Self.partitionCount, files: [StoreFile.file]))
    try measure("SQLiteStore", store) { 0 }
    store.close()
  }

  private func measure(_ name: String, _ store: any StateStore, serverSeconds: () -> Double) throws {
    let partitions = (0..<UInt16(Self.partitionCount)).map { PartitionID(.orders, $0) }
    let epochs = try partitions.map { try store.acquire($0).epoch }
    let rows = Self.partitionCount * Self.checkpoints * Self.checkpointRows
    for round in 1...2 {
      let meter = Meter(serverSeconds)
      for checkpoint in 0..<Self.checkpoints {
        let answers = partitions.indices.map { place in
          let offset = Int64(round * Self.checkpoints + checkpoint)
          let changes = keys(of: place, checkpoint).map { ($0, order(round)) as (EntityKey, Entity?) }
          return store.startWrite(batch(offset, changes, of: partitions[place]), epoch: epochs[place])
        }
        for answer in answers { try answer.get() }
      }
      meter.tell("\(name): \(round == 1 ? "inserted" : "updated")", rows, serverSeconds)
    }
    let meter = Meter(serverSeconds)
    for checkpoint in 0..<Self.checkpoints {
      let answers = partitions.indices.flatMap { place in
        let keys = keys(of: place, checkpoint)
        return stride(from: 0, to: keys.count, by: Self.loadKeys).map { start in
          store.startLoad(
            Array(keys[start..<min(keys.count, start + Self.loadKeys)]), of: partitions[place], epoch: epochs[place])
        }
      }
      for answer in answers { #expect(try answer.get().allSatisfy { $0.value == order(2) }) }
    }
    meter.tell("\(name): loaded", rows, serverSeconds)
  }

  private func keys(of place: Int, _ checkpoint: Int) -> [EntityKey] {
    (0..<Self.checkpointRows).map { row in
      // Spread over the table, as ids are.
      let number = UInt64(place * 1_000_000 + checkpoint * Self.checkpointRows + row) &* 0x9e37_79b9_7f4a_7c15
      return .order(OrderID(unchecked: String(String(number, radix: 36).prefix(13)) + "xx"))
    }
  }

  private func order(_ version: Int) -> Entity {
    let lines = (0..<2).map { line in
      Order.Line(
        item: ItemID(unchecked: "item-\(line)-12345678"), quantity: .one, price: Money(unchecked: Int64(version)))
    }
    return .order(Order(user: UserID(unchecked: "user-1234567890"), lines: lines))
  }

  /// Time and CPU since it was made; the making of batches is part of it.
  private struct Meter {
    private let start = DispatchTime.now().uptimeNanoseconds
    private let ownSeconds = Self.cpuSeconds
    private let serverSeconds: Double

    init(_ serverSeconds: () -> Double) { self.serverSeconds = serverSeconds() }

    func tell(_ what: String, _ rows: Int, _ serverSeconds: () -> Double) {
      let seconds = Double(DispatchTime.now().uptimeNanoseconds - start) / 1e9
      let own = (Self.cpuSeconds - ownSeconds) * 1e6 / Double(rows)
      let server = (serverSeconds() - self.serverSeconds) * 1e6 / Double(rows)
      let rate = Int(Double(rows) / seconds)
      print("\(what) \(rows) rows, \(rate) rows/s, CPU per row: own \(tenths(own)) µs, server \(tenths(server)) µs")
    }

    private func tenths(_ value: Double) -> String { String(format: "%.1f", value) }

    private static var cpuSeconds: Double {
      var usage = rusage()
      getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
      let (user, system) = (usage.ru_utime, usage.ru_stime)
      return Double(user.tv_sec + system.tv_sec) + Double(user.tv_usec + system.tv_usec) / 1e6
    }
  }
}
