import Ports
import Foundation
import Model
import SQLite
import Testing
import TestSupport
import Lanes

@Suite struct DurabilityTests {
  @Test func continuesWhereItEnded() throws {
    let fixture = try LogFixture()
    let first = try fixture.open()
    try first.write([append(orders, 1), append(stock, 2), append(orders, 3)])
    #expect(first.durable == 3)
    first.close()
    let second = try fixture.open()
    #expect(second.durable == 3)
    try second.write([append(orders, 4), append(payments, 5)])
    second.close()
    #expect(
      try fixture.readAll().map(\.text) == [
        "orders-0@0#1", "stock-1@0#2", "orders-0@1#3", "orders-0@2#4", "payments-3@0#5",
      ])
    #expect(try fixture.readAll().map(\.sequence) == [1, 2, 3, 4, 5])
  }

  @Test func writesWhatWaitsWhenItCloses() throws {
    let fixture = try LogFixture()
    let log = try fixture.open()
    log.append((1...7).map { append(orders, $0) }, by: 0, expecting: [0])
    log.close()
    #expect(log.takeConfirmations(of: 0).map(\.number) == (1...7).map { $0 })
    #expect(try fixture.readAll().map(\.number) == (1...7).map { $0 })
  }

  /// A process is killed while two lanes append; what it had noted as durable is there, without gaps.
  @Test(arguments: [UInt64(11), 12, 13])
  func survivesAKill(_ seed: UInt64) async throws {
    let temporary = try TemporaryFolder()
    let path = temporary.path
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, seed = seed as UInt64] in
      try KilledWriter.run(path, seed)
    }
    let noted = try #require(UInt64(String(contentsOfFile: path + "/noted", encoding: .utf8)))
    #expect(noted > 0, "seed \(seed): the process was killed before anything was durable")
    let log = try KilledWriter.open(path)
    #expect(log.durable >= noted, "seed \(seed)")
    log.close()
    let records = try SQLiteLogReader(path: path + "/data").read(after: 0, limit: .max)
    #expect(records.map(\.sequence) == (1...UInt64(records.count)).map { $0 }, "seed \(seed)")
    #expect(UInt64(records.count) == log.durable)
    for (partition, own) in Dictionary(grouping: records, by: \.partition) {
      #expect(own.map(\.offset) == (0..<Int64(own.count)).map { $0 }, "\(partition), seed \(seed)")
    }
    // Each lane has partitions of its own, and counts its records over all of them.
    for (lane, own) in Dictionary(grouping: records, by: { $0.partition.index % 2 }) {
      #expect(own.map(\.number) == (1...UInt64(own.count)).map { $0 }, "lane \(lane), seed \(seed)")
    }
  }
}

/// What the process does that is killed.
private enum KilledWriter {
  static func open(_ path: String) throws -> SQLiteLog {
    let folder = try DataFolder(path: path + "/data", partitionCount: 4, files: [LogFile.file])
    var options = SQLiteLog.Options()
    options.segmentRecordsMax = 500
    options.checkpointPagesDue = 50
    options.checkpointPagesMax = 100
    let log = try SQLiteLog(folder: folder, options: options)
    log.attach([SignalLane(), SignalLane()])
    return log
  }

  static func run(_ path: String, _ seed: UInt64) throws {
    let log = try open(path)
    let killer = BackgroundThread("killer") {
      var random = SeededGenerator(seed: seed)
      _ = eventually { log.durable > 0 }
      usleep(UInt32.random(in: 50_000...300_000, using: &random))
      kill(getpid(), SIGKILL)
    }
    let other = BackgroundThread("appender") { write(log, 1, seed, noting: nil) }
    write(log, 0, seed, noting: path + "/noted")
    other?.join()
    killer?.join()
  }

  private static func write(_ log: SQLiteLog, _ lane: Int, _ seed: UInt64, noting path: String?) {
    var random = SeededGenerator(seed: seed &* 7 &+ UInt64(lane))
    let file = path.map { Glibc.open($0, O_WRONLY | O_CREAT, 0o600) } ?? -1
    var number: UInt64 = 1
    var unconfirmed = 0
    while log.failure == nil {
      let count = UInt64.random(in: 1...9, using: &random)
      let appends = (0..<count).map {
        append(PartitionID(.stock, UInt16(lane) + 2 * UInt16.random(in: 0..<2, using: &random)), number + $0)
      }
      number += count
      unconfirmed += appends.count
      log.append(appends, by: lane, expecting: [])
      log.turnEnded(by: lane)
      // A lane takes no more commands than so many that wait.
      repeat { unconfirmed -= log.takeConfirmations(of: lane).count } while unconfirmed > 1_000 && log.failure == nil
      guard file >= 0 else { continue }
      let text = String(format: "%020llu", log.durable)
      pwrite(file, text, 20, 0)
    }
  }
}
