import Testing

@testable import Settings

/// Who may do what, as a server is told.
@Suite struct CallerSettingsTests {
  private func resolve(
    _ arguments: [String], _ environment: [String: String] = [:]
  ) throws(SettingsError) -> ResolvedSettings {
    try SettingsResolver.resolve(arguments: arguments, environment: environment, readFile: { _ in "" })
  }

  private func refusal(_ arguments: [String], _ environment: [String: String] = [:]) -> [String] {
    do throws(SettingsError) {
      try resolve(arguments, environment).checkServing()
      return []
    } catch {
      return error.problems
    }
  }

  private static let tokens = ["--jwt-keys", "j", "--jwt-issuer", "https://id.example/", "--jwt-audience", "kassa"]

  @Test(arguments: [
    [], ["--http", "localhost:80"], ["--http", "127.9.9.9:80"], ["--http", "[::1]:80"],
    ["--http", "0.0.0.0:80", "--api-keys", "k"], ["--http", "0.0.0.0:80", "--no-authentication"],
    ["--no-authentication", "--http", "shop.example:80"], ["--http", "10.0.0.1:80", "--no-authentication=yes"],
    ["--no-authentication", "yes", "--http", "10.0.0.1:80"], ["--operator", "0.0.0.0:90", "--api-keys", "k"],
    ["--operator", "0.0.0.0:90", "--no-authentication"], ["--http", "0.0.0.0:80"] + tokens,
    ["--operator", "0.0.0.0:90"] + tokens, tokens + ["--api-keys", "k"],
  ])
  func serves(_ arguments: [String]) { #expect(refusal(arguments) == []) }

  @Test(arguments: [
    ["--http", "0.0.0.0:80"], ["--http", "[::]:80"], ["--http", "10.0.0.1:80"], ["--http", "shop.example:80"],
    // Whom TLS tells who the server is, may be anybody.
    ["--http", "0.0.0.0:80", "--tls-certificate", "c", "--tls-key", "k"],
    ["--http", "0.0.0.0:80", "--no-authentication", "no"], ["--operator", "0.0.0.0:90"],
  ])
  func refusesToServeStrangers(_ arguments: [String]) {
    let problems = refusal(arguments)
    #expect(problems.count == 1 && problems[0].contains("no-authentication is 'no'"), "\(problems)")
    // Tools that open no port go on.
    #expect(throws: Never.self) { _ = try resolve(arguments) }
  }

  @Test func keysAndNoneDoNotGoTogether() {
    #expect(refusal(["--api-keys", "k", "--no-authentication"]).first?.contains("exclude each other") == true)
    #expect(refusal(Self.tokens + ["--no-authentication"]).first?.contains("exclude each other") == true)
  }

  @Test func tokensNeedTheirIssuerAndAudience() throws {
    for mask in 1..<7 {
      let parts = (0..<3).filter { mask >> $0 & 1 == 1 }
      let given = parts.flatMap { Self.tokens[($0 * 2)..<($0 * 2 + 2)] }
      #expect(throws: SettingsError.self, "\(given)") { try resolve(given) }
      #expect(refusal(given).first?.contains("need each other") == true, "\(given)")
    }
    let settings = try resolve(Self.tokens).settings
    #expect(settings.asksCallers && settings.jwtScopeClaim == "scope" && settings.jwtRate == 1_000)
    #expect(try resolve(Self.tokens + ["--jwt-rate", "unlimited"]).settings.jwtRate == nil)
    #expect(try resolve([], ["KASSA_JWT_SCOPE_CLAIM": "roles"]).settings.jwtScopeClaim == "roles")
  }

  @Test func theFlagAloneMeansYes() throws {
    #expect(try resolve(["--no-authentication"]).settings.servesWithoutAuthentication)
    #expect(try resolve(["--no-authentication", "--lanes", "2"]).settings.lanes == 2)
    #expect(try !resolve(["--no-authentication", "no"]).settings.servesWithoutAuthentication)
    #expect(try resolve([], ["KASSA_NO_AUTHENTICATION": "yes"]).settings.servesWithoutAuthentication)
    #expect(throws: SettingsError.self) { try resolve(["--no-authentication=maybe"]) }
    #expect(throws: SettingsError.self) { try resolve([], ["KASSA_NO_AUTHENTICATION": ""]) }
    #expect(throws: SettingsError.self) { try resolve(["--no-authentication", "--no-authentication", "no"]) }
  }

  @Test func listsAreRead() throws {
    let settings = try resolve([
      "--hosts", "shop.example,kassa", "--cors-origins", "https://a.example,http://localhost:3000", "--caller-rate",
      "unlimited",
    ]).settings
    #expect(settings.hosts == ["shop.example", "kassa"] && settings.callerRate == nil)
    #expect(settings.corsOrigins == ["https://a.example", "http://localhost:3000"])
    #expect(try resolve(["--hosts", ""]).settings.hosts == [])
  }

  @Test(arguments: [
    ["--hosts", "a,"], ["--hosts", "a:80"], ["--cors-origins", "*"], ["--cors-origins", "https://a/"],
    ["--caller-rate", "0"], ["--jwt-rate", "0"], ["--jwt-issuer", ""], ["--jwt-audience", "a b"],
    ["--jwt-scope-claim", ""], ["--hosts", Array(repeating: "a", count: 65).joined(separator: ",")],
  ])
  func refusals(_ arguments: [String]) { #expect(throws: SettingsError.self) { try resolve(arguments) } }
}
