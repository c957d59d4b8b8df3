import Testing

@testable import Settings

@Suite struct ResolverTests {
  private func resolve(
    _ arguments: [String] = [], _ environment: [String: String] = [:], _ files: [String: String] = [:]
  ) throws(SettingsError) -> ResolvedSettings {
    struct Missing: Error, CustomStringConvertible { var description: String { "no such file" } }
    return try SettingsResolver.resolve(arguments: arguments, environment: environment) { path in
      guard let text = files[path] else { throw Missing() }
      return text
    }
  }

  private func problems(
    _ arguments: [String] = [], _ environment: [String: String] = [:], _ files: [String: String] = [:]
  ) -> [String] {
    do throws(SettingsError) { _ = try resolve(arguments, environment, files) } catch { return error.problems }
    return []
  }

  private func origin(_ name: String, _ resolved: ResolvedSettings) throws -> SettingOrigin {
    resolved.origin(of: try #require(SettingsTable.setting(named: name)))
  }

  @Test func defaults() throws {
    let resolved = try resolve([], ["HOME": "x", "KASS": "y"])
    #expect(resolved.settings == ServeSettings())
    #expect(try origin("http", resolved) == .default)
  }

  @Test func flagOverEnvironmentOverFileOverDefault() throws {
    let files = ["f": "KASSA_PARTITIONS=2\n\nKASSA_LANES=2\nKASSA_DATA='a b'"]
    let resolved = try resolve(
      ["--partitions=4", "--config", "f"], ["KASSA_PARTITIONS": "3", "KASSA_LANES": "3"], files)
    #expect(resolved.settings.partitions == 4 && resolved.settings.lanes == 3)
    #expect(resolved.settings.dataFolder == "a b" && resolved.settings.connectionsMax == ServeSettings().connectionsMax)
    #expect(try origin("partitions", resolved) == .flag)
    #expect(try origin("lanes", resolved) == .environment)
    #expect(try origin("data", resolved) == .file(path: "f", line: 4))
  }

  @Test func environmentNamesTheFile() throws {
    #expect(try resolve([], ["KASSA_CONFIG": "f"], ["f": "KASSA_PARTITIONS=2"]).settings.partitions == 2)
  }

  @Test func everyTypeIsRead() throws {
    let settings = try resolve([
      "--http", "[::1]:80", "--tls-certificate", "c.pem", "--tls-key", "k.pem", "--lanes", "auto", "--body-bytes-max",
      "1MiB", "--idle-time", "5m", "--event-log-retention", "keep", "--log-format=json", "--log-level", "warning",
    ]).settings
    #expect(settings.http == Endpoint(host: "::1", port: 80) && settings.tlsCertificateFile == "c.pem")
    #expect(settings.lanes == nil && settings.bodyBytesMax == 1 << 20 && settings.idleMilliseconds == 300_000)
    #expect(settings.eventLogRetention == .keep && settings.logFormat == .json && settings.logLevel == .warning)
  }

  @Test(arguments: [
    (["--partitons", "4"], "no setting is called --partitons; did you mean --partitions?"),
    (["--zzz"], "no setting is called --zzz"),
    (["stray"], "'stray' is not a flag: settings are written --name VALUE"),
    (["--http"], "--http needs a value"),
    (["--http", "--data", "x"], "--http needs a value"),
    (["--partitions", "2", "--partitions", "3"], "--partitions is given twice, as '2' and as '3'"),
    (["--partitions", "0"], "partitions cannot be '0' (flag): 1…256"),
    (["--idle-time", "10"], "idle-time cannot be '10' (flag): 100ms…1d, in ms, s, m, h or d"),
    (["--order-retention", "90"], "order-retention cannot be '90' (flag): off, or 1d…3650d, in ms, s, m, h or d"),
    (["--order-retention", "23h"], "order-retention cannot be '23h' (flag): off, or 1d…3650d, in ms, s, m, h or d"),
    (
      ["--order-retention", "never"],
      "order-retention cannot be 'never' (flag): off, or 1d…3650d, in ms, s, m, h or d"
    ),
    (["--log-format", "xml"], "log-format cannot be 'xml' (flag): text or json"),
    (["--data", ""], "data cannot be '' (flag): the path of a folder"),
    (
      ["--tls-key", "k"],
      "tls-certificate and tls-key need each other. tls-certificate is not set (default), tls-key is 'k' (flag)"
    ),
    (
      ["--operator", "127.0.0.1:8000"],
      "http and operator must not be the same. http is '127.0.0.1:8000' (default), operator is '127.0.0.1:8000' (flag)"
    ),
    (["--config", "gone"], "the settings file gone cannot be read: no such file"),
  ])
  func refusals(_ arguments: [String], _ problem: String) { #expect(problems(arguments) == [problem]) }

  @Test func refusalsOfTheEnvironmentAndTheFileNameTheirPlace() {
    #expect(
      problems([], ["KASSA_HTPP": "x"]) == ["no setting is called KASSA_HTPP; did you mean KASSA_HTTP? (environment)"])
    #expect(problems([], ["KASSA_LANES": "65"]) == ["lanes cannot be '65' (environment): auto, or 1…64"])
    let file = "KASSA_LANES=0\nKASSA_LANE=1\nHTTP=x\nKASSA_DATA=a\nKASSA_DATA=b\nKASSA_CONFIG=g\nnonsense"
    #expect(
      problems(["--config", "f"], [:], ["f": file]) == [
        "f:7: NAME=VALUE expected, not 'nonsense'", "lanes cannot be '0' (f:1): auto, or 1…64",
        "f:2: no setting is called KASSA_LANE; did you mean KASSA_LANES?", "f:3: no setting is called HTTP",
        "f:5: KASSA_DATA is already set at f:4", "f:6: a settings file cannot name another one",
      ])
  }

  @Test(
    arguments: [
      ("off", nil), ("2d", 172_800_000), ("1500h", 5_400_000_000), ("3650d", 315_360_000_000),
    ] as [(String, Int64?)])
  func ordersAreKeptForEverOrForATime(_ text: String, _ milliseconds: Int64?) throws {
    let resolved = try resolve(["--order-retention", text], ["KASSA_ORDER_RETENTION": "7d"])
    #expect(resolved.settings.orderRetentionMilliseconds == milliseconds)
  }

  @Test func tellsEverythingThatIsWrong() {
    #expect(problems(["--lanes", "0", "--nonsense-at-all", "x", "--partitions", "0"]).count == 3)
  }

  @Test(arguments: [
    ["--connections-max", "10"], ["--path-bytes-max", "8KiB"], ["--dirty-entities-max", "100"],
    ["--batch-deadline", "1s"], ["--idempotency-expiry", "5s"], ["--order-retention", "1d"],
    ["--order-retention", "30d", "--idempotency-expiry", "30d"],
  ])
  func contradictions(_ arguments: [String]) {
    #expect(problems(arguments).count == 1 && problems(arguments)[0].contains(" exceed "))
  }
}
