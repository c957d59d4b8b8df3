import Settings

/// The subcommands, in the order of the help. A new one is one line here.
enum CommandTable {
  static let all: [Command] = [
    ServeCommand.command(serve),
    InspectCommand.command,
    VerifyCommand.command,
    BackupCommand.command,
    RestoreCommand.command,
    QuarantineCommand.command,
    GrowCommand.command,
    TopicsCommand.command,
    PartitionsCommand.command,
    HealthCommand.command,
    BenchCommand.command,
    APIKeysCommand.command,
    KeysCommand.command,
    SettingsCommand.command,
    ProblemsCommand.command,
    CompletionsCommand.command,
    ManCommand.command,
    VersionCommand.command,
    HelpCommand.command,
  ]

  static let manual = Manual(version: kassaVersion, date: kassaVersionDate, pages: all.map(\.page))

  static func command(named name: String) -> Command? { all.first { $0.page.name == name } }
}
