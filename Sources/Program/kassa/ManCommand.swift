import Settings

/// `kassa man`
enum ManCommand {
  static let page = CommandPage(
    name: "man", usage: "", summary: "write the man page",
    text: ["`kassa man | man -l -` shows it; `make install` puts it where man finds it."])

  static let command = Command(page: page) { arguments, program in
    try Arguments(arguments, of: page).expectRest(0...0, of: page)
    program.console.say(CommandTable.manual.manPage)
    return .success
  }
}
