import OperatorClient
import Settings

/// `kassa health`
enum HealthCommand {
  static let page = CommandPage(
    name: "health", usage: "[--operator HOST:PORT] [--live]",
    summary: "ask a server whether it is ready, for health checks",
    text: [
      "Asks /readyz of the operator port, or /livez with --live. Prints one line and exits with 0 if the answer is "
        + "200; otherwise it says in one sentence what it got, or that nothing is listening, and exits with 1.",
      "The operator port is found as in serve: --operator, KASSA_OPERATOR, the settings file, or 127.0.0.1:9000. "
        + "Other settings are ignored. If it means every address, loopback is used.",
    ],
    options: CommandOption.settings.filter { ["operator", "config"].contains($0.name) } + [
      CommandOption("live", nil, "ask whether the process is alive, ready or not"),
      CommandOption("timeout", "MILLISECONDS", "time for the answer; default: \(timeoutMilliseconds)"),
    ])

  private static let timeoutMilliseconds = 2_000
  /// The most bytes of an answer that are quoted.
  private static let quotedBytesMax = 400

  static let command = Command(page: page) { arguments, program in
    let arguments = try Arguments(arguments, of: page)
    try arguments.expectRest(0...0, of: page)
    var client = OperatorClient()
    client.timeoutMilliseconds = try arguments.count("timeout", in: 10...600_000) ?? timeoutMilliseconds
    let endpoint = try endpoint(arguments, program.environment)
    let isLive = arguments.switches.contains("live")
    let path = isLive ? "/livez" : "/readyz"
    switch client.get(path, from: [endpoint])[0] {
    case .success(let answer) where answer.status == 200:
      program.console.say(isLive ? "alive\n" : "ready\n")
      return .success
    case .success(let answer):
      let quote = quoted(answer.body)
      program.console.complain(
        "kassa health: \(endpoint) answers \(path) with \(answer.status)\(quote.isEmpty ? "" : ": \(quote)")\n")
    case .failure(let failure):
      program.console.complain("kassa health: \(endpoint) does not answer \(path): \(failure)\n")
    }
    return .failure
  }

  private static func endpoint(_ arguments: Arguments, _ environment: ProcessEnvironment) throws -> Endpoint {
    let flags = ["operator", "config"].flatMap { name in arguments.values[name].map { ["--\(name)", $0] } ?? [] }
    let settings = try SettingsResolver.resolve(
      only: ["operator"], arguments: flags, environment: environment.variables, readFile: environment.readFile
    ).settings
    guard settings.operatorPort.port > 0 else {
      throw UsageError("port 0 of operator means any free one: give the port with --operator HOST:PORT")
    }
    return settings.operatorPort.onThisMachine
  }

  /// An answer's lines joined into one, without anything a terminal could interpret.
  private static func quoted(_ body: [UInt8]) -> String {
    let text = String(decoding: body.prefix(quotedBytesMax), as: UTF8.self)
    let lines = text.split(whereSeparator: \.isNewline).map { line in
      String(String.UnicodeScalarView(line.unicodeScalars.filter { $0.properties.generalCategory != .control }))
    }
    return lines.joined(separator: "; ") + (body.count > quotedBytesMax ? "…" : "")
  }
}
