import Foundation
import HTTPServer
import Model
import Runtime
import Settings
import TestSupport
import Testing

@testable import Server

@Suite struct ServingOptionsTests {
  @Test func everySettingOfARequestReachesTheServer() throws {
    var settings = ServeSettings()
    settings.requestReadMilliseconds = 1_111
    settings.answerMilliseconds = 2_222
    settings.idleMilliseconds = 3_333
    let http = try ServingOptions(settings).http
    #expect(http.requestMilliseconds == 1_111)
    #expect(http.answerMilliseconds == 2_222)
    #expect(http.idleMilliseconds == 3_333)
  }

  @Test func checkpointsWaitForRepliesAsLongAsClientsDo() throws {
    var settings = ServeSettings()
    settings.requestDeadlineMilliseconds = 44_000
    let runtime = try ServingOptions(settings).runtime
    #expect(runtime.replyMilliseconds == 44_000 && runtime.remoteReadMilliseconds == 44_000)
  }

  @Test func ordersAreKeptForEverUnlessASettingSaysHowLong() throws {
    #expect(try ServingOptions(ServeSettings()).runtime.rules.orderRetentionMilliseconds == nil)
    var settings = ServeSettings()
    settings.orderRetentionMilliseconds = 172_800_000
    #expect(try ServingOptions(settings).runtime.rules.orderRetentionMilliseconds == 172_800_000)
    settings.orderRetentionMilliseconds = 60_000
    #expect(throws: ConfigurationError.self) { try ServingOptions(settings) }
  }

  @Test func theDefaultsFitTogether() throws {
    let options = try ServingOptions(ServeSettings())
    #expect(options.runtime.laneCount >= 1 && options.tls == nil)
  }

  @Test func refusesWhatDoesNotFit() {
    var parked = ServeSettings()
    parked.itemParkedMax = 65_537
    let refusal = ConfigurationError("itemParkedMax (65537) must not exceed 65536: records cannot hold more")
    #expect(throws: refusal) { try ServingOptions(parked) }
    var partitions = ServeSettings()
    partitions.partitions = 5_000
    #expect(throws: ConfigurationError.self) { try ServingOptions(partitions) }
    var files = ServeSettings()
    (files.tlsCertificateFile, files.tlsKeyFile) = ("/nowhere/c.pem", "/nowhere/k.pem")
    #expect(throws: ConfigurationError("/nowhere/c.pem: No such file or directory")) { try ServingOptions(files) }
  }

  @Test func aKeyThatOthersCanReadIsRefused() throws {
    let folder = try TemporaryFolder()
    var settings = ServeSettings()
    (settings.tlsCertificateFile, settings.tlsKeyFile) = (folder.path + "/c.pem", folder.path + "/k.pem")
    for path in [folder.path + "/c.pem", folder.path + "/k.pem"] {
      try Data("x".utf8).write(to: URL(fileURLWithPath: path))
      chmod(path, 0o644)
    }
    let path = folder.path + "/k.pem"
    let refusal = ConfigurationError("\(path): others can read it, or its group can write it: chmod 600 \(path)")
    #expect(throws: refusal) { try ServingOptions(settings) }
    chmod(path, 0o600)
    #expect(try ServingOptions(settings).tls?.key == Array("x".utf8))
  }
}
