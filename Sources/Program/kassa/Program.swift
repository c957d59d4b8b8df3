import Settings

/// The command-line program: finds the subcommand, runs it, and turns what it throws into a message and an exit code.
struct Program: Sendable {
  let console: Console
  let environment: ProcessEnvironment

  func run(_ arguments: [String]) -> ExitCode {
    guard let first = arguments.first else {
      console.complain(CommandTable.manual.overview)
      return .usage
    }
    let rest = Array(arguments.dropFirst())
    if first == "--help" || first == "-h" { return run(["help"] + rest) }
    if first == "--version" || first == "-V" { return run(["version"] + rest) }
    guard let command = CommandTable.command(named: first) else {
      return refuse(UsageError("there is no command '\(first)'" + hint(first)), "kassa help lists the commands")
    }
    if rest.contains("--help") || rest.contains("-h") { return run(["help", first]) }
    do {
      return try command.run(rest, self)
    } catch let error as UsageError {
      return refuse(error, "see kassa help \(first)")
    } catch let error as SettingsError {
      return refuse(error, "see kassa help \(first)")
    } catch {
      console.complain("kassa \(first): \(error)\n")
      return .failure
    }
  }

  private func hint(_ name: String) -> String {
    NearestName.of(name, among: CommandTable.all.map(\.page.name)).map { "; did you mean \($0)?" } ?? ""
  }

  private func refuse(_ error: any Error, _ more: String) -> ExitCode {
    for line in "\(error)".split(separator: "\n") { console.complain("kassa: \(line)\n") }
    console.complain("\(more)\n")
    return .usage
  }
}
