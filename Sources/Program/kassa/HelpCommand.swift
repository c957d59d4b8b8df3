import Settings

/// `kassa help`
enum HelpCommand {
  static let page = CommandPage(name: "help", usage: "[COMMAND]", summary: "list the commands, or describe one")

  static let command = Command(page: page) { arguments, program in
    let arguments = try Arguments(arguments, of: page)
    try arguments.expectRest(0...1, of: page)
    guard let name = arguments.rest.first else {
      program.console.say(CommandTable.manual.overview)
      return .success
    }
    guard let command = CommandTable.command(named: name) else {
      let hint = NearestName.of(name, among: CommandTable.all.map(\.page.name)).map { "; did you mean \($0)?" } ?? ""
      throw UsageError("there is no command '\(name)'\(hint)")
    }
    program.console.say(CommandTable.manual.help(command.page))
    return .success
  }
}
