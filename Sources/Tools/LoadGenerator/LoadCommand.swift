/// A load run as a command: its scenario and its options.
public struct LoadCommand: Sendable {
  /// An option as help texts and completions show it.
  public struct Option: Sendable {
    /// Without its hyphens.
    public let name: String
    /// The placeholder for the value; nil for a switch, which has none.
    public let placeholder: String?
    /// The valid values.
    public let range: String
    public let text: String
    fileprivate let set: @Sendable (inout LoadCommand, String) -> Bool

    fileprivate init(
      _ name: String, _ placeholder: String?, _ range: String, _ text: String,
      _ set: @escaping @Sendable (inout LoadCommand, String) -> Bool
    ) {
      self.name = name
      self.placeholder = placeholder
      self.range = range
      self.text = text
      self.set = set
    }
  }

  public private(set) var configuration: LoadConfiguration
  /// Holds the API key: everybody on the machine can see flags.
  public private(set) var apiKeyFile: String?
  /// Print the report as JSON.
  public private(set) var printsJSON = false
  /// Succeed even if calls failed or rules were broken; the report still says so.
  public private(set) var allowsFailures = false

  /// - Parameters:
  ///   - scenario: its name.
  ///   - values: of the given options, by name; unknown names are ignored.
  ///   - switches: the names of the given options without a value.
  /// - Throws: `LoadError` that names the invalid word.
  public init(scenario: String, values: [String: String], switches: Set<String>) throws(LoadError) {
    guard let known = Scenario(rawValue: scenario) else {
      throw LoadError("'\(scenario)' is not a scenario: \(Self.scenarioNames)")
    }
    configuration = LoadConfiguration(scenario: known)
    for option in Self.options {
      if option.placeholder == nil {
        if switches.contains(option.name) { _ = option.set(&self, "") }
      } else if let value = values[option.name] {
        guard option.set(&self, value) else {
          throw LoadError("--\(option.name) cannot be '\(value)': expected \(option.range)")
        }
      }
    }
    try configuration.validate()
  }

  /// Takes the text of `apiKeyFile`, which white space may surround.
  /// - Throws: `LoadError` if it is not a key.
  public mutating func use(apiKeyText text: String) throws(LoadError) {
    configuration.apiKey = try Self.apiKey(in: text)
    try configuration.validate()
  }

  /// The API key that makes up a file's text.
  /// - Throws: `LoadError` if it is not a key.
  public static func apiKey(in text: String) throws(LoadError) -> String {
    let words = text.split(whereSeparator: \.isWhitespace)
    guard words.count == 1 else { throw LoadError("the file of the API key must hold one key, and nothing else") }
    let key = String(words[0])
    try LoadConfiguration.check(apiKey: key)
    return key
  }

  static var scenarioNames: String { Scenario.allCases.map(\.rawValue).joined(separator: ", ") }

  /// Every option, in the order of the help text.
  public static let options: [Option] = [
    Option("url", "URL", "http://HOST:PORT", "the server; default http://127.0.0.1:8000") { command, text in
      command.configuration.url = text
      return true
    },
    Option("measured-url", "URL", "http://HOST:PORT", "where the measured calls go; default: the server itself") {
      command, text in
      command.configuration.measuredURL = text
      return true
    },
    number("connections", \.connections, "connections, 1–1024; default 64"),
    Option(
      "rate", "PER-SECOND", "a number",
      "arrivals per second (open loop); without it each connection goes as fast as it can"
    ) {
      command, text in
      command.configuration.ratePerSecond = Double(text)
      return Double(text) != nil
    },
    Option("arrivals", "poisson|fixed", "poisson or fixed", "gaps between the arrivals: random (default) or equal") {
      command, text in
      command.configuration.hasPoissonArrivals = text == "poisson"
      return text == "poisson" || text == "fixed"
    },
    seconds("seconds", \.seconds, "how long to measure; default 5"),
    seconds("warmup", \.warmupSeconds, "how long to run before that; default 1"),
    Option("orders", "N", "a whole number", "orders to prepare; the default depends on the scenario") { command, text in
      command.configuration.orders = Int(text)
      return Int(text) != nil
    },
    number("users", \.users, "users who buy; default 1000"),
    number("items", \.items, "items that are bought; default 1000"),
    Option("scarce-stock", "N", "a whole number", "units of the item of scarce; default half of the orders") {
      command, text in
      command.configuration.scarceStock = Int(text)
      return Int(text) != nil
    },
    Option("path", "PATH", "a path", "the path that raw gets; default /") { command, text in
      command.configuration.path = text
      return true
    },
    Option("seed", "N", "a whole number", "the same seed makes the same choices; default 1") { command, text in
      command.configuration.seed = UInt64(text) ?? 0
      return UInt64(text) != nil
    },
    Option("idempotency-keys", nil, "", "send a key with every write, repeat lost calls, compare each key's answers") {
      command, _ in
      command.configuration.usesIdempotencyKeys = true
      return true
    },
    Option(
      "api-key-file", "FILE", "a file",
      "holds the API key to send; it needs all scopes, and the rate unlimited"
    ) { command, text in
      command.apiKeyFile = text
      return true
    },
    seconds("timeout", \.requestTimeoutSeconds, "how long to wait for an answer; default 12"),
    Option("server-pid", "PID", "a process id", "whose CPU time to report; default: the process listening on the port")
    {
      command, text in
      command.configuration.serverPID = Int32(text)
      return (Int32(text) ?? 0) > 0
    },
    Option("json", nil, "", "print the report as JSON") { command, _ in
      command.printsJSON = true
      return true
    },
    Option("allow-failures", nil, "", "exit with 0 even if calls failed or rules were broken") { command, _ in
      command.allowsFailures = true
      return true
    },
  ]

  private static func number(
    _ name: String, _ path: any WritableKeyPath<LoadConfiguration, Int> & Sendable, _ text: String
  ) -> Option {
    Option(name, "N", "a whole number", text) { command, text in
      guard let value = Int(text) else { return false }
      command.configuration[keyPath: path] = value
      return true
    }
  }

  private static func seconds(
    _ name: String, _ path: any WritableKeyPath<LoadConfiguration, Double> & Sendable, _ text: String
  ) -> Option {
    Option(name, "SECONDS", "a number of seconds", text) { command, text in
      guard let value = Double(text) else { return false }
      command.configuration[keyPath: path] = value
      return true
    }
  }

  /// Does the run. `onProgress` gets the number of calls done and the total in the unmeasured phases.
  /// - Returns: the report as text or JSON; the problems of the run, a sentence each; and whether it counts as a
  ///   success.
  /// - Throws: `LoadError` if the run was not possible.
  public func run(
    onProgress: ((LoadPhase, _ done: Int, _ total: Int) -> Void)? = nil
  ) throws(LoadError) -> (output: String, troubles: [String], isAccepted: Bool) {
    let run = try LoadRun(configuration: configuration)
    run.onProgress = onProgress
    let report = try run.run()
    return (printsJSON ? report.json + "\n" : report.description, report.troubles, report.isSound || allowsFailures)
  }
}
