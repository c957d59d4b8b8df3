import Testing

@testable import Settings

/// Secrets that stand in files of their own.
@Suite struct SecretFileTests {
  /// A pod of orders without its database.
  private let pod = ["KASSA_MODE": "cluster", "KASSA_KAFKA_BROKERS": "k:1", "KASSA_SERVICE": "orders"]
  private let variable = "KASSA_POSTGRES_ORDERS_FILE"

  private func resolve(
    _ changes: [String: String], _ arguments: [String] = [], _ files: [String: String] = [:]
  ) throws(SettingsError) -> ResolvedSettings {
    struct Missing: Error, CustomStringConvertible { var description: String { "No such file or directory" } }
    let environment = pod.merging(changes) { $1 }
    return try SettingsResolver.resolve(arguments: arguments, environment: environment) { path in
      guard let text = files[path] else { throw Missing() }
      return text
    }
  }

  private func problems(
    _ changes: [String: String], _ arguments: [String] = [], _ files: [String: String] = [:]
  ) -> [String] {
    do throws(SettingsError) { _ = try resolve(changes, arguments, files) } catch { return error.problems }
    return []
  }

  @Test(arguments: [
    ("host=a", "host=a"), ("host=a\n", "host=a"), ("host=a\r\n", "host=a"), ("host=a\n\n", "host=a\n"),
    ("host=a ", "host=a "), (String(repeating: "x", count: 4_096), String(repeating: "x", count: 4_096)),
  ])
  func theContentIsTheValue(_ content: String, _ value: String) throws {
    let resolved = try resolve([variable: "/s"], [], ["/s": content])
    #expect(resolved.settings.cluster.postgresOrders == value)
  }

  @Test func everySecretCanStandInAFile() throws {
    let secrets = SettingsTable.all.filter(\.isSecret)
    #expect(secrets.count == 4)
    for secret in secrets {
      let file = try #require(secret.fileSetting, "\(secret.name) has no setting for its file")
      let resolved = try resolve([variable: "/s"].merging([file.variable: "/s"]) { $1 }, [], ["/s": "hush"])
      #expect(secret.value(in: resolved.settings) == "(hidden)", "\(secret.name)")
      #expect(resolved.origin(of: secret) == .secretFile(path: "/s"), "\(secret.name)")
    }
    let cluster = try resolve(
      [:], secrets.flatMap { ["\($0.flag)-file", "/\($0.name)"] },
      Dictionary(uniqueKeysWithValues: secrets.map { ("/\($0.name)", "of \($0.name)") })
    ).settings.cluster
    #expect(cluster.postgresOrders == "of postgres-orders" && cluster.postgresStock == "of postgres-stock")
    #expect(cluster.postgresPayments == "of postgres-payments" && cluster.redis == "of redis")
  }

  @Test func aSettingsFileMayNameIt() throws {
    let files = ["/etc/kassa": "\(variable)=/s", "/s": "host=a"]
    #expect(try resolve([:], ["--config", "/etc/kassa"], files).settings.cluster.postgresOrders == "host=a")
  }

  @Test func theReportTellsTheFileAndNeverTheValue() throws {
    let resolved = try resolve([variable: "/s"], [], ["/s": "host=a password=hush"])
    for report in [resolved.table, resolved.json] {
      #expect(report.contains("from /s") && !report.contains("hush"), "\(report)")
    }
  }

  @Test(
    arguments: [
      ([:], ["postgres-orders-file (environment): /s cannot be read: No such file or directory"]),
      (["/s": ""], ["postgres-orders-file (environment): /s is empty: it must hold the secret"]),
      (["/s": "\n"], ["postgres-orders-file (environment): /s is empty: it must hold the secret"]),
      (["/s": "hush\0"], ["postgres-orders-file (environment): /s holds a zero byte: it must hold text"]),
      (
        ["/s": String(repeating: "x", count: 4_097)],
        ["postgres-orders-file (environment): /s has 4097 bytes: a secret has at most 4096"]
      ),
    ] as [([String: String], [String])])
  func refusals(_ files: [String: String], _ expected: [String]) {
    #expect(problems([variable: "/s"], [], files) == expected)
  }

  @Test func theValueAndItsFileDoNotGoTogether() {
    #expect(
      problems([variable: "/s"], ["--postgres-orders", "host=hush"], ["/s": "host=a"]) == [
        "postgres-orders (flag) and postgres-orders-file (environment) are both given: leave one out"
      ])
  }

  @Test func anEmptyValueIsNone() throws {
    let resolved = try resolve([variable: "/s", "KASSA_POSTGRES_ORDERS": ""], [], ["/s": "host=a"])
    #expect(resolved.settings.cluster.postgresOrders == "host=a")
  }

  @Test func embeddedModeRefusesItUnread() {
    let environment = [variable: "/s"]
    #expect(throws: SettingsError.self) {
      try SettingsResolver.resolve(arguments: [], environment: environment) { path in
        Issue.record("\(path) was read")
        return ""
      }
    }
  }
}
