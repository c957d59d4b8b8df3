import LoadGenerator
import Settings

/// `kassa bench`
enum BenchCommand {
  static let page = CommandPage(
    name: "bench", usage: "SCENARIO [OPTION]…", summary: "load a running server and check every answer",
    text: [
      "Prepares users, items and orders through the REST API, loads the server, reads everything back, and reports "
        + "whether stock and money are conserved, nothing paid was lost and nobody was turned away without a reason. "
        + "Nobody else may use the server in the meantime.",
      "Scenarios: " + Scenario.allCases.map { "\($0.rawValue) (\($0.summary))" }.joined(separator: ", ") + ".",
      "With --rate arrivals follow a schedule and latency counts from each intended start, so that a stalling server "
        + "cannot hide it; without it each connection sends its next request as soon as it is answered.",
      "Fails if a call failed, an answer was wrong, or a rule was broken; the report then says so first.",
    ],
    words: Scenario.allCases.map(\.rawValue),
    options: LoadCommand.options.map { CommandOption($0.name, $0.placeholder, $0.text) })

  static let command = Command(page: page) { arguments, program in
    let arguments = try Arguments(arguments, of: page)
    try arguments.expectRest(1...1, of: page)
    var load: LoadCommand
    do throws(LoadError) {
      load = try LoadCommand(scenario: arguments.rest[0], values: arguments.values, switches: arguments.switches)
      // Only parses the address, without connecting: an invalid URL is a usage error.
      _ = try ServerAddress(url: load.configuration.url)
      if let file = load.apiKeyFile { try load.use(apiKeyText: try APIKeyFile.text(file, program.environment)) }
    } catch {
      throw UsageError(error.description)
    }
    let steps = StepProgress(console: program.console)
    let result = try load.run { phase, done, total in steps.advance(phase.rawValue, to: done, of: total) }
    program.console.say(result.output)
    if let trouble = result.troubles.first { program.console.complain("kassa bench: not sound: \(trouble)\n") }
    return result.isAccepted ? .success : .failure
  }
}

/// The progress of one step after another, each with a number of requests. Not thread-safe.
private final class StepProgress {
  private let console: Console
  private var step: Progress?

  init(console: Console) { self.console = console }

  func advance(_ what: String, to done: Int, of total: Int) {
    let step = step ?? Progress(what, unit: "requests", total: total, console: console)
    self.step = step
    step.advance(to: done)
    guard done == total else { return }
    step.finish(done)
    self.step = nil
  }
}
