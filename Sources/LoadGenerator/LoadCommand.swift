/// The command line of a load run: `SCENARIO [--option value …]`.
public struct LoadCommand: Sendable {
  /// An option as help texts and completions show it.
  public struct Option: Sendable {
    /// With its dashes.
    public let name: String
    /// What stands behind it; nil when it is a switch.
    public let value: String?
    public let text: String
    fileprivate let set: @Sendable (inout LoadCommand, String) -> Bool

    fileprivate init(
      _ name: String, _ value: String?, _ text: String, _ set: @escaping @Sendable (inout LoadCommand, String) -> Bool
    ) {
      self.name = name
      self.value = value
      self.text = text
      self.set = set
    }
  }

  public private(set) var configuration: LoadConfiguration
  /// Print the report as JSON.
  public private(set) var printsJSON = false
  /// Succeed though calls failed or rules were broken; the report says so all the same.
  public private(set) var allowsFailures = false

  /// - Throws: `LoadError` that names the word that makes no sense.
  public init(arguments: [String]) throws(LoadError) {
    guard let first = arguments.first, !first.hasPrefix("-") else {
      throw LoadError("name a scenario: \(Self.scenarioNames)")
    }
    guard let scenario = Scenario(rawValue: first) else {
      throw LoadError("\"\(first)\" is no scenario; there are \(Self.scenarioNames)")
    }
    configuration = LoadConfiguration(scenario: scenario)
    var rest = arguments.dropFirst()
    while let word = rest.popFirst() {
      let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      guard let option = Self.options.first(where: { $0.name == name }) else {
        throw LoadError(
          "\"\(name)\" is no option of bench; there are \(Self.options.map(\.name).joined(separator: ", "))")
      }
      guard option.value != nil else {
        if parts.count > 1 { throw LoadError("\(name) takes no value") }
        _ = option.set(&self, "")
        continue
      }
      guard let value = parts.count > 1 ? String(parts[1]) : rest.popFirst() else {
        throw LoadError("\(name) needs a value: \(option.value ?? "")")
      }
      guard option.set(&self, value) else { throw LoadError("\(name) \"\(value)\" is not \(option.value ?? "")") }
    }
    try configuration.validate()
  }

  static var scenarioNames: String { Scenario.allCases.map(\.rawValue).joined(separator: ", ") }

  /// Every option, in the order of the help text.
  public static let options: [Option] = [
    Option("--url", "http://HOST:PORT", "the server; default http://127.0.0.1:8000") { command, text in
      command.configuration.url = text
      return true
    },
    number("--connections", \.connections, "connections, 1–1024; default 64"),
    Option("--rate", "a number", "arrivals a second (open loop); without it each connection goes as fast as it can") {
      command, text in
      command.configuration.ratePerSecond = Double(text)
      return Double(text) != nil
    },
    Option("--arrivals", "poisson or fixed", "gaps between the arrivals: random (default) or equal") { command, text in
      command.configuration.hasPoissonArrivals = text == "poisson"
      return text == "poisson" || text == "fixed"
    },
    seconds("--seconds", \.seconds, "how long to measure; default 5"),
    seconds("--warmup", \.warmupSeconds, "how long to run before that; default 1"),
    Option("--orders", "a whole number", "orders to prepare; the default depends on the scenario") { command, text in
      command.configuration.orders = Int(text)
      return Int(text) != nil
    },
    number("--users", \.users, "users who buy; default 1000"),
    number("--items", \.items, "items that are bought; default 1000"),
    Option("--scarce-stock", "a whole number", "units of the item of scarce; default half of the orders") {
      command, text in
      command.configuration.scarceStock = Int(text)
      return Int(text) != nil
    },
    Option("--path", "a path", "what raw gets; default /") { command, text in
      command.configuration.path = text
      return true
    },
    Option("--seed", "a whole number", "makes the same choices again; default 1") { command, text in
      command.configuration.seed = UInt64(text) ?? 0
      return UInt64(text) != nil
    },
    Option("--idempotency-keys", nil, "key every write, repeat what is lost, compare each key's answers") {
      command, _ in
      command.configuration.usesIdempotencyKeys = true
      return true
    },
    seconds("--timeout", \.requestTimeoutSeconds, "how long to wait for an answer; default 12"),
    Option("--server-pid", "a process id", "whose CPU time to report; default: who listens on the port") {
      command, text in
      command.configuration.serverPID = Int32(text)
      return (Int32(text) ?? 0) > 0
    },
    Option("--json", nil, "print the report as JSON") { command, _ in
      command.printsJSON = true
      return true
    },
    Option("--allow-failures", nil, "exit with 0 even though calls failed or rules were broken") { command, _ in
      command.allowsFailures = true
      return true
    },
  ]

  private static func number(
    _ name: String, _ path: any WritableKeyPath<LoadConfiguration, Int> & Sendable, _ text: String
  ) -> Option {
    Option(name, "a whole number", text) { command, text in
      guard let value = Int(text) else { return false }
      command.configuration[keyPath: path] = value
      return true
    }
  }

  private static func seconds(
    _ name: String, _ path: any WritableKeyPath<LoadConfiguration, Double> & Sendable, _ text: String
  ) -> Option {
    Option(name, "a number of seconds", text) { command, text in
      guard let value = Double(text) else { return false }
      command.configuration[keyPath: path] = value
      return true
    }
  }

  /// The help text.
  public static var help: String {
    func row(_ name: String, _ text: String) -> String {
      "  " + name + String(repeating: " ", count: max(2, 30 - name.count)) + text + "\n"
    }
    var help =
      "Measures a running Kassa and checks every answer: load first, then the state read back, then the verdict.\n"
    help += "It needs a server with nobody else on it.\n\nUsage: kassa bench SCENARIO [options]\n\nScenarios:\n"
    for scenario in Scenario.allCases { help += row(scenario.rawValue, scenario.summary) }
    help += "\nOptions:\n"
    for option in options { help += row(option.name + (option.value == nil ? "" : " …"), option.text) }
    help += "\nExit code: 0 when every answer was right; 1 when one was not; 2 when the run could not be made.\n"
    return help
  }

  /// Does the run and says what came of it.
  /// - Returns: the report as text or JSON, and the exit code.
  /// - Throws: `LoadError` when the run could not be made.
  public func run() throws(LoadError) -> (output: String, exitCode: Int32) {
    let report = try LoadRun(configuration: configuration).run()
    return (printsJSON ? report.json + "\n" : report.description, report.isSound || allowsFailures ? 0 : 1)
  }
}
