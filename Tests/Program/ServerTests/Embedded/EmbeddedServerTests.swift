import Audit
import Foundation
import HTTPServer
import LoadGenerator
import OperatorClient
import SQLite
import Server
import Settings
import Telemetry
import TestSupport
import Testing

@testable import Server

@Suite(.serialized) struct EmbeddedServerTests {
  private let folder: TemporaryFolder
  private let settings: ServeSettings

  init() throws {
    folder = try TemporaryFolder()
    var settings = ServeSettings()
    settings.http.port = 0
    settings.operatorPort.port = 0
    settings.dataFolder = folder.path + "/data"
    settings.lanes = 2
    settings.eventLogRetention = .keep
    self.settings = settings
  }

  private func start(_ settings: ServeSettings) throws -> EmbeddedServer {
    try EmbeddedServer(settings, version: "test", journal: Log(level: .error, clock: { 0 }, write: { _ in }))
  }

  private func load(_ server: EmbeddedServer) throws -> LoadReport {
    var configuration = LoadConfiguration(scenario: .scarce, url: "http://\(server.httpEndpoint)")
    configuration.connections = 16
    configuration.warmupSeconds = 0
    configuration.seconds = 0.5
    configuration.users = 50
    configuration.items = 50
    configuration.orders = 300
    configuration.usesIdempotencyKeys = true
    return try LoadRun(configuration: configuration).run()
  }

  @Test func servesAndLeavesASoundFolder() throws {
    let server = try start(settings)
    #expect(server.waitUntilReady(milliseconds: 10_000))
    let report = try load(server)
    server.stop()
    #expect(report.isSound, "\(report.troubles)")
    let audit = try FolderAudit.run(path: settings.dataFolder)
    #expect(audit.isSound, "\(audit.findings)")
    #expect(audit.totals.checkouts > 0 && audit.partitionsCompared == 24)
    #expect(audit.recordsReplayed == 0, "an orderly end leaves nothing to replay")
  }

  @Test func tellsAToolHowItsPartitionsStand() throws {
    let server = try start(settings)
    defer { server.stop() }
    #expect(server.waitUntilReady(milliseconds: 10_000))
    let endpoint = Endpoint(host: server.operatorEndpoint.host, port: server.operatorEndpoint.port)
    let overview = try PartitionOverview(asking: endpoint, OperatorClient())
    #expect(overview.rows.count == 24 && overview.rows.allSatisfy { $0.figures != nil && $0.state == "running" })
    #expect(overview.findings.isEmpty && overview.pods.isEmpty)
  }

  /// Only a new process can tell what the disk holds: the server asks to be ended, and loses nothing by it.
  @Test(arguments: ["log.sqlite-wal", "store.sqlite-wal"])
  func asksToBeEndedWhenTheDiskFails(_ file: String) throws {
    FileFaults.install()
    var settings = settings
    settings.checkpointIntervalMilliseconds = 100
    let asked = Gate()
    let server = try EmbeddedServer(
      settings, version: "test", journal: Log(level: .error, clock: { 0 }, write: { _ in }),
      onFinalFailure: { asked.open() })
    #expect(server.waitUntilReady(milliseconds: 10_000) && server.finalFailure == nil)
    let created = try exchange("POST /stock/item/create/7", server.httpEndpoint)
    #expect(created.hasPrefix("HTTP/1.1 200"))
    FileFaults.set(.error, of: .sync, on: "\(settings.dataFolder)/\(file)")
    _ = try exchange("POST /stock/item/create/8", server.httpEndpoint)
    #expect(asked.wait(milliseconds: 10_000))
    #expect(server.finalFailure?.contains(settings.dataFolder) == true)
    #expect(try exchange("GET /livez", server.operatorEndpoint).hasPrefix("HTTP/1.1 503"))
    server.stop()
    FileFaults.set(nil, of: .sync, on: "\(settings.dataFolder)/\(file)")

    let again = try start(settings)
    #expect(again.waitUntilReady(milliseconds: 10_000) && again.finalFailure == nil)
    let item = try #require(created.split(separator: "\"item_id\":\"").last?.split(separator: "\"").first)
    #expect(try exchange("GET /stock/find/\(item)", again.httpEndpoint).hasPrefix("HTTP/1.1 200"))
    again.stop()
  }

  @Test func servesWithTheShortestQueue() throws {
    var others = settings
    others.eventLogQueuedRecordsMax = 1
    let server = try start(others)
    #expect(server.waitUntilReady(milliseconds: 10_000))
    server.stop()
  }

  @Test func refusesBoundsThatRecordsCannotTell() throws {
    var others = settings
    others.itemParkedMax = 65_537
    let error = #expect(throws: ConfigurationError.self) { _ = try start(others) }
    #expect(error?.description.contains("itemParkedMax (65537) must not exceed 65536") == true)
  }

  @Test(arguments: [false, true]) func aPortInUseLeavesTheFolderToTheNext(isOperators: Bool) throws {
    let first = try start(settings)
    defer { first.stop() }
    var others = settings
    others.dataFolder = folder.path + "/others"
    if isOperators {
      others.operatorPort.port = first.httpEndpoint.port
    } else {
      others.http.port = first.operatorEndpoint.port
    }
    #expect(throws: HTTPServerFailure.self) { _ = try start(others) }
    others.operatorPort.port = 0
    others.http.port = 0
    let second = try start(others)
    #expect(second.waitUntilReady(milliseconds: 10_000))
    second.stop()
  }

  @Test func startsAgainFromWhatItLeft() throws {
    let first = try start(settings)
    #expect(first.waitUntilReady(milliseconds: 10_000))
    _ = try load(first)
    first.stop()
    let hash = try FolderAudit.run(path: settings.dataFolder).storeHash
    let second = try start(settings)
    #expect(second.waitUntilReady(milliseconds: 10_000))
    second.stop()
    #expect(try FolderAudit.run(path: settings.dataFolder).storeHash == hash)
  }

  /// What a server that never took a checkpoint left is replayed, and the next one tells how far it is.
  @Test func tellsHowFarItsReplayIs() throws {
    var others = settings
    others.checkpointIntervalMilliseconds = 3_600_000
    let first = try start(others)
    #expect(first.waitUntilReady(milliseconds: 10_000))
    _ = try load(first)
    let copy = folder.path + "/copy"
    try FileManager.default.copyItem(atPath: settings.dataFolder, toPath: copy)
    first.stop()
    others.dataFolder = copy
    let second = try start(others)
    defer { second.stop() }
    #expect(second.waitUntilReady(milliseconds: 10_000))
    let (done, total) = try #require(second.replayedRecords())
    #expect(done == total && total > 100)
  }

  @Test func refusesAFolderInUseAndAnotherPartitionCount() throws {
    let server = try start(settings)
    #expect(server.waitUntilReady(milliseconds: 10_000))
    #expect { try start(settings) } throws: { ($0 as? DataFolderFailure)?.code == .locked }
    server.stop()
    var other = settings
    other.partitions = 16
    #expect { try start(other) } throws: { ($0 as? DataFolderFailure)?.code == .partitionCount }
  }

  @Test func theDefaultsOfTheSettingsAreAccepted() throws {
    var defaults = ServeSettings()
    defaults.http.port = 0
    defaults.operatorPort.port = 0
    defaults.dataFolder = folder.path + "/data"
    let server = try start(defaults)
    #expect(server.waitUntilReady(milliseconds: 10_000))
    server.stop()
  }
}
