import Settings
import Simulator

/// `kassa sim`
enum SimCommand {
  static let page = CommandPage(
    name: "sim", usage: "[OPTION]…", summary: "run the core in simulated worlds full of faults",
    text: [
      "Each seed makes a world: clients, a log, a store, clocks, crashes, owners replaced without noticing. The real "
        + "partition loops run in it, in one thread, and a second model judges every answer and the final state. The "
        + "same seed gives the same run, byte for byte.",
      "Stops at the first seed that fails, says what is wrong and how to run it again, and fails.",
      "With --bug the world makes a mistake on purpose, which must be found: one of "
        + PlantedBug.allCases.map(\.rawValue).joined(separator: ", ") + ".",
    ],
    options: [
      CommandOption("seeds", "COUNT", "how many worlds", details: "Default: 1000. Range: 1…1000000000."),
      CommandOption(
        "steps", "COUNT", "events in each before it comes to rest",
        details: "Default: 3000. Range: 0…1000000000."),
      CommandOption("seed", "NUMBER", "the first seed; the others follow it", details: "Default: 1."),
      CommandOption("bug", "NAME", "a mistake to find"),
    ])

  static let command = Command(page: page) { arguments, program in
    let arguments = try Arguments(arguments, of: page)
    try arguments.expectRest(0...0, of: page)
    let runs = try runs(arguments)
    let progress = Progress("simulating", unit: "seeds", total: runs.seedCount, console: program.console)
    let summary = runs.run { progress.advance(to: $0.seedsRun) }
    progress.finish(summary.seedsRun)
    program.console.say(report(summary, of: runs))
    guard let failure = summary.failure else { return .success }
    let bug = runs.bug.map { " --bug \($0.rawValue)" } ?? ""
    program.console.complain(
      "kassa sim: seed \(failure.seed): \(failure.violation)\n"
        + "again: kassa sim --seed \(failure.seed) --seeds 1 --steps \(runs.steps)\(bug)\n")
    return .failure
  }

  private static func runs(_ arguments: Arguments) throws(UsageError) -> SimulationRuns {
    var seed: UInt64 = 1
    if let text = arguments.values["seed"] {
      guard let number = UInt64(text) else { throw UsageError("--seed cannot be '\(text)': 0…\(UInt64.max)") }
      seed = number
    }
    var bug: PlantedBug?
    if let text = arguments.values["bug"] {
      bug = PlantedBug(rawValue: text)
      let hint = NearestName.of(text, among: PlantedBug.allCases.map(\.rawValue)).map { "; did you mean \($0)?" } ?? ""
      if bug == nil { throw UsageError("there is no bug '\(text)'\(hint)") }
    }
    return SimulationRuns(
      firstSeed: seed, seedCount: try arguments.count("seeds", in: 1...1_000_000_000) ?? 1_000,
      steps: try arguments.count("steps", in: 0...1_000_000_000) ?? 3_000, bug: bug)
  }

  private static func report(_ summary: SimulationRuns.Summary, of runs: SimulationRuns) -> String {
    var text = "\(summary.seedsRun) seeds from \(runs.firstSeed), \(runs.steps) steps each, "
    text += "run hash \(String(summary.hash, radix: 16))\n"
    for (name, count) in summary.tally.counts {
      text += "  \(name)\(String(repeating: " ", count: max(1, 24 - name.count)))\(count)\n"
    }
    return text
  }
}
