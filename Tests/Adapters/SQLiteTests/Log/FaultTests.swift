import Ports
import Foundation
import Model
import SQLite
import Testing
import TestSupport

@Suite struct FaultTests {
  @Test(arguments: [
    (FileFaults.Operation.write, FileFaults.Fault.full), (.write, .error), (.sync, .error),
  ])
  func endsForGoodWhenTheDiskFails(_ operation: FileFaults.Operation, _ fault: FileFaults.Fault) throws {
    FileFaults.install()
    let fixture = try LogFixture()
    let lane = SignalLane()
    let log = try fixture.open([lane, SignalLane()])
    try log.write([append(orders, 1), append(stock, 2)])
    let (durable, wakes) = (log.durable, lane.wakeCount)
    #expect(durable == 2)

    FileFaults.set(fault, of: operation, on: fixture.logPath + "-wal")
    log.append([append(orders, 3)], by: 0, expecting: [1])
    log.turnEnded(by: 0)
    log.turnEnded(by: 1)
    #expect(eventually { log.failure != nil })
    #expect(log.failure?.code == .write)
    #expect(log.failure?.message.contains(fixture.logPath) == true)
    #expect(eventually { lane.wakeCount > wakes }, "the lane is told")
    FileFaults.set(nil, of: operation, on: fixture.logPath + "-wal")

    // The disk works again: the log does not come back, and nothing that was not confirmed becomes so.
    log.append([append(orders, 4)], by: 0, expecting: [])
    log.turnEnded(by: 0)
    #expect(throws: LogFailure.self) { try log.read([orders: 0], by: 0) }
    #expect(log.refusal(after: [orders: 0])?.code == .write)
    log.close()
    #expect(log.failure?.code == .write, "the first failure stays")
    #expect(log.durable == durable && log.takeConfirmations(of: 0).isEmpty)

    // The next process finds at least what was confirmed, and goes on.
    let again = try fixture.open()
    #expect(again.durable >= durable)
    try again.write([append(orders, 5)])
    again.close()
    let numbers = try fixture.readAll().map(\.number)
    #expect(Array(numbers.prefix(2)) == [1, 2] && numbers.last == 5)
  }

  /// What a checkpoint could not copy stays in the write-ahead log; a log that cannot copy ends before that is full.
  @Test(arguments: [FileFaults.Operation.write, .sync])
  func endsWhenACheckpointFails(_ operation: FileFaults.Operation) throws {
    FileFaults.install()
    let fixture = try LogFixture()
    let log = try fixture.open { $0.checkpointPagesDue = 5 }
    FileFaults.set(.error, of: operation, on: fixture.logPath)
    var written: UInt64 = 0
    while log.failure == nil, written < 1_000 {
      guard (try? log.write([append(orders, written + 1)])) != nil else { break }
      written += 1
    }
    #expect(eventually { log.failure?.code == .write })
    #expect(written > 0 && written < 1_000)
    let durable = log.durable
    log.close()
    FileFaults.set(nil, of: operation, on: fixture.logPath)
    let again = try fixture.open()
    #expect(again.durable >= durable)
    again.close()
    #expect(try fixture.readAll().count >= Int(durable))
  }

  /// A drill steers a whole process by the file that `KASSA_FAULT_FILE` names.
  @Test func obeysTheControlFile() async throws {
    let temporary = try TemporaryFolder()
    await #expect(processExitsWith: .success) { [path = temporary.path as String] in
      let control = path + "/faults"
      setenv("KASSA_FAULT_FILE", control, 1)
      let folder = try DataFolder(path: path + "/data", partitionCount: 4, files: [LogFile.file])
      let log = try SQLiteLog(folder: folder)
      log.attach([SignalLane()])
      try log.write([append(orders, 1)])
      try "no rule\nstore.sqlite-wal sync error\n".write(toFile: control, atomically: true, encoding: .utf8)
      try log.write([append(orders, 2)])
      try "log.sqlite-wal sync error\n".write(toFile: control, atomically: true, encoding: .utf8)
      #expect(throws: LogFailure.self) { try log.write([append(orders, 3)]) }
      #expect(log.failure?.code == .write)
      #expect(log.durable == 2)
    }
  }

  @Test func boundsTheWriteAheadLog() throws {
    let fixture = try LogFixture()
    let log = try fixture.open { options in
      options.checkpointPagesDue = 50
      options.checkpointPagesMax = 100
    }
    for round in UInt64(0)..<400 { try log.write((1...20).map { append(orders, round * 20 + $0) }) }
    let size = try FileManager.default.attributesOfItem(atPath: fixture.logPath + "-wal")[.size] as? Int
    #expect(try #require(size) < 200 * 8_216)
    #expect(log.statistics.commits >= 100)
    log.close()
    #expect(try fixture.readAll().count == 8_000)
  }
}
