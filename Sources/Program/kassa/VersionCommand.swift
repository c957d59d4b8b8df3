import Settings

/// `kassa version`
enum VersionCommand {
  static let page = CommandPage(name: "version", usage: "", summary: "show the version")

  static let command = Command(page: page) { arguments, program in
    try Arguments(arguments, of: page).expectRest(0...0, of: page)
    program.console.say("kassa \(kassaVersion)\n")
    return .success
  }
}
