import EventLog
import Foundation
import Model
import SQLiteFolder
import SQLiteLog
import Testing
import TestSupport
import Threads

@Suite struct DurabilityTests {
  @Test func goesOnWhereItEnded() throws {
    let fixture = try Fixture()
    let first = try fixture.open()
    try first.write([append(orders, 1), append(stock, 2), append(orders, 3)])
    #expect(first.durable == LogPosition(3))
    first.close()
    let second = try fixture.open()
    #expect(second.durable == LogPosition(3))
    try second.write([append(orders, 4), append(payments, 5)])
    second.close()
    #expect(
      try fixture.readAll().map(\.text) == [
        "orders-0@0=1", "stock-1@0=2", "orders-0@1=3", "orders-0@2=4", "payments-3@0=5",
      ])
    #expect(try fixture.readAll().map(\.position.sequence) == [1, 2, 3, 4, 5])
  }

  @Test func writesWhatWaitsWhenItCloses() throws {
    let fixture = try Fixture()
    let log = try fixture.open()
    _ = try log.append((0..<7).map { append(orders, $0) }, by: nil)
    log.close()
    #expect(try fixture.readAll().map(\.number) == (0..<7).map { $0 })
  }

  /// A process is killed while two threads append; what it had noted as durable is there, without gaps.
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
    #expect(log.durable.sequence >= noted, "seed \(seed)")
    log.close()
    let deliveries = try SQLiteLogReader(path: path + "/data").read(after: .zero, limit: .max)
    #expect(deliveries.map(\.position.sequence) == (1...UInt64(deliveries.count)).map { $0 }, "seed \(seed)")
    #expect(UInt64(deliveries.count) == log.durable.sequence)
    for (partition, own) in Dictionary(grouping: deliveries, by: \.partition) {
      #expect(own.map(\.offset) == (0..<Int64(own.count)).map { $0 }, "\(partition), seed \(seed)")
    }
    // Each thread's n-th record says n.
    for (thread, own) in Dictionary(grouping: deliveries, by: { ($0.number ?? 0) / 1_000_000 }) {
      #expect(own.map { ($0.number ?? 0) % 1_000_000 } == (0..<Int64(own.count)).map { $0 }, "thread \(thread)")
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
    return try SQLiteLog(folder: folder, options: options)
  }

  static func run(_ path: String, _ seed: UInt64) throws {
    let log = try open(path)
    let killer = BackgroundThread("killer") {
      var random = SeededGenerator(seed: seed)
      _ = eventually { log.durable > .zero }
      usleep(UInt32.random(in: 50_000...300_000, using: &random))
      kill(getpid(), SIGKILL)
    }
    let other = BackgroundThread("appender") { write(log, 1, seed, noting: nil) }
    write(log, 0, seed, noting: path + "/noted")
    other?.join()
    killer?.join()
  }

  private static func write(_ log: SQLiteLog, _ thread: Int64, _ seed: UInt64, noting path: String?) {
    var random = SeededGenerator(seed: seed &* 7 &+ UInt64(thread))
    let file = path.map { Glibc.open($0, O_WRONLY | O_CREAT, 0o600) } ?? -1
    var number = thread * 1_000_000
    while true {
      let count = Int64.random(in: 1...9, using: &random)
      let appends = (0..<count).map {
        append(PartitionID(.stock, UInt16.random(in: 0..<4, using: &random)), number + $0)
      }
      number += count
      guard (try? log.append(appends, by: nil)) != nil else { return }
      log.flushHint(by: nil)
      guard file >= 0 else { continue }
      let text = String(format: "%020llu", log.durable.sequence)
      pwrite(file, text, 20, 0)
    }
  }
}
