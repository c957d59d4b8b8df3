import Settings

/// `kassa settings`
enum SettingsCommand {
  static let page = CommandPage(
    name: "settings", usage: "[--json | --page] [SETTING]…",
    summary: "show the settings that serve would use, and where each value came from",
    text: ["Takes the flags of serve, and reads the environment and the settings file as serve does."],
    options: [
      CommandOption("json", nil, "write JSON"),
      CommandOption("page", nil, "write the page of documentation that describes all settings"),
    ] + CommandOption.settings)

  static let command = Command(page: page) { arguments, program in
    let own: Set<String> = ["--json", "--page"]
    if arguments.contains("--page") {
      guard arguments == ["--page"] else { throw UsageError("--page takes no other arguments") }
      program.console.say(SettingsPage.markdown)
      return .success
    }
    let resolved = try program.environment.settings(arguments.filter { !own.contains($0) })
    program.console.say(arguments.contains("--json") ? resolved.json : resolved.table)
    return .success
  }
}
