import Audit
import Server
import Foundation
import LoadGenerator
import SQLite
import Settings
import Telemetry
import TestSupport
import Testing

/// The audit finds what is wrong with a folder: each test spoils one thing of a folder that was sound.
@Suite(.serialized) struct FolderAuditTests {
  private let folder: TemporaryFolder
  private let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path + "/data"
    var settings = ServeSettings()
    settings.http.port = 0
    settings.operatorPort.port = 0
    settings.dataFolder = path
    settings.lanes = 1
    settings.partitions = 2
    settings.eventLogRetention = .keep
    let server = try EmbeddedServer(
      settings, version: "test", journal: Log(level: .error, clock: { 0 }, write: { _ in }))
    #expect(server.waitUntilReady(milliseconds: 10_000))
    var configuration = LoadConfiguration(scenario: .checkout, url: "http://\(server.httpEndpoint)")
    configuration.connections = 4
    configuration.warmupSeconds = 0
    configuration.seconds = 0.2
    configuration.users = 10
    configuration.items = 10
    configuration.orders = 50
    _ = try LoadRun(configuration: configuration).run()
    server.stop()
  }

  private func spoil(_ file: DatabaseFile, _ statement: String) throws {
    let database = try file.open(in: path, mode: .readWrite)
    try database.execute(statement)
    #expect(try database.integer("SELECT changes()") ?? 0 > 0)
  }

  @Test func soundAsItIs() throws {
    let report = try FolderAudit.run(path: path)
    #expect(report.isSound && report.findings.isEmpty, "\(report.findings)")
    #expect(report.partitionsCompared == 6 && report.partitionsTrimmed == 0 && report.totals.checkouts > 0)
  }

  @Test(arguments: [0, 1, 2])
  func findsAMissingRowOfEachService(_ service: Int) throws {
    try spoil(
      StoreFile.file,
      """
      DELETE FROM entities WHERE (partition, kind, key) IN
        (SELECT partition, kind, key FROM entities WHERE partition >> 12 = \(service) LIMIT 1)
      """)
    let report = try FolderAudit.run(path: path)
    #expect(!report.isSound && !report.findings.isEmpty)
  }

  @Test func findsRowsThatTheLogDoesNotSay() throws {
    // Every item of a partition gets the row of one of them: neither the log nor the sums say so.
    try spoil(
      StoreFile.file,
      """
      UPDATE entities SET body = (SELECT min(body) FROM entities e WHERE e.kind = entities.kind
        AND e.partition = entities.partition) WHERE partition >> 12 = 1
      """)
    #expect(try !FolderAudit.run(path: path).isSound)
  }

  @Test func refusesARowThatCannotBeDecoded() throws {
    try spoil(StoreFile.file, "UPDATE entities SET body = x'ff' WHERE partition >> 12 = 2")
    let isFound = (try? FolderAudit.run(path: path).isSound) != true
    #expect(isFound)
  }

  @Test func findsARecordThatCannotBeDecoded() throws {
    try spoil(LogFile.file, "UPDATE records SET body = x'ff' WHERE sequence = (SELECT max(sequence) FROM records)")
    let isFound = (try? FolderAudit.run(path: path).isSound) != true
    #expect(isFound)
  }

  /// A server that takes checkpoints and trims its log all the while changes nothing for who reads beside it.
  @Test func soundAtEveryMomentBesideAServer() throws {
    var settings = ServeSettings()
    settings.http.port = 0
    settings.operatorPort.port = 0
    settings.dataFolder = path
    settings.lanes = 1
    settings.partitions = 2
    settings.eventLogRetention = .trim
    settings.checkpointIntervalMilliseconds = 20
    let server = try EmbeddedServer(
      settings, version: "test", journal: Log(level: .error, clock: { 0 }, write: { _ in }))
    #expect(server.waitUntilReady(milliseconds: 10_000))
    defer { server.stop() }
    let url = "http://\(server.httpEndpoint)"
    let load = Thread {
      var configuration = LoadConfiguration(scenario: .mixed, url: url)
      configuration.connections = 4
      configuration.warmupSeconds = 0
      configuration.seconds = 4
      configuration.users = 10
      configuration.items = 10
      _ = try? LoadRun(configuration: configuration).run()
    }
    load.start()
    var seen: Set<UInt64> = []
    while !load.isFinished {
      let report = try FolderAudit.run(path: path)
      #expect(report.isSound, "\(report.findings)")
      seen.insert(report.totals.checkouts)
    }
    #expect(seen.count >= 3, "the shop went on meanwhile: \(seen.sorted())")
  }
}
