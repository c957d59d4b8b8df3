import Server
import Callers
import Settings

/// `kassa api-keys`
enum APIKeysCommand {
  static let page = CommandPage(
    name: "api-keys", usage: "add ID --scopes SCOPES [--rate RATE] | revoke ID | list [--file FILE]",
    summary: "create, revoke and list API keys for the REST API",
    text: [
      "add writes a new key to the file and shows it once: the file only stores the SHA-256 of its secret. The caller "
        + "sends it as Authorization: Bearer ID.SECRET, or as X-API-Key: ID.SECRET. revoke removes a key. list shows "
        + "ids, scopes and rates.",
      "Scopes are orders, stock and payment, each followed by :read or :write, or alone for both, and admin, which "
        + "batch_init needs and which allows nothing else.",
      "A running server reloads the file on SIGHUP. The file is replaced atomically; only its owner can read it.",
    ],
    words: ["add", "revoke", "list"],
    options: [
      CommandOption(
        "file", "FILE", "the file; default: what api-keys (KASSA_API_KEYS) names, else api-keys", completion: .files),
      CommandOption("scopes", "SCOPES", "what the caller may do, separated by commas"),
      CommandOption(
        "rate", "RATE", "requests per second, or RATE/BURST",
        details: "BURST is how many may come at once after a pause; by default RATE. 'unlimited' sets no limit, "
          + "'default' uses caller-rate. Default: default."),
    ])

  static let command = Command(page: page) { arguments, program in
    let arguments = try Arguments(arguments, of: page)
    guard let action = arguments.rest.first, page.words.contains(action) else {
      throw UsageError("expected add, revoke or list: kassa \(page.name) \(page.usage)")
    }
    try arguments.expectRest(action == "list" ? 1...1 : 2...2, of: page)
    let path = try arguments.values["file"] ?? pathOfSettings(program.environment) ?? "api-keys"
    switch action {
    case "add": try add(arguments, path, program.console)
    case "revoke":
      try KeyFileAccess.revoke(try id(arguments.rest[1]), in: path)
      program.console.complain("revoked; running servers reload \(path) on SIGHUP\n")
    default: try list(path, program.console)
    }
    return .success
  }

  /// The settings file that the environment names for the server.
  private static func pathOfSettings(_ environment: ProcessEnvironment) throws(SettingsError) -> String? {
    try SettingsResolver.resolve(
      only: ["api-keys"], arguments: [], environment: environment.variables, readFile: environment.readFile
    ).settings.apiKeysFile
  }

  private static func add(_ arguments: Arguments, _ path: String, _ console: Console) throws {
    let id = try id(arguments.rest[1])
    let all = CallerScopes.all.map(\.name.description).joined(separator: ", ")
    guard let names = arguments.values["scopes"] else { throw UsageError("--scopes is missing: one or more of \(all)") }
    guard let scopes = CallerScopes(names: names[...]) else {
      throw UsageError("--scopes cannot be '\(names)': one or more of \(all), separated by commas")
    }
    let rateText = arguments.values["rate"] ?? "default"
    guard let rate = KeyFile.Rate(rateText[...]) else {
      throw UsageError("--rate cannot be '\(rateText)': RATE or RATE/BURST of 1…1000000, unlimited or default")
    }
    var generator = SystemRandomNumberGenerator()
    let key = try KeyFileAccess.add(id, scopes: scopes, rate: rate, to: path, using: &generator)
    console.say("\(key)\n")
    console.complain("this is shown only once; running servers reload \(path) on SIGHUP\n")
  }

  private static func id(_ text: String) throws(UsageError) -> CallerID {
    guard let id = CallerID(text) else {
      throw UsageError("'\(text)' is not a key's id: 1 to \(CallerID.lengthMax) characters of A-Z a-z 0-9 _ -")
    }
    return id
  }

  private static func list(_ path: String, _ console: Console) throws {
    let keys = try KeyFileAccess.keys(path).keys
    let width = keys.map(\.id.description.count).max() ?? 0
    for key in keys {
      let id = key.id.description
      let blanks = String(repeating: " ", count: width - id.count + 2)
      console.say("\(id)\(blanks)\(key.rate)  \(key.scopes)\n")
    }
  }
}
