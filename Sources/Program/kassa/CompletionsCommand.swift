import Settings

/// `kassa completions`
enum CompletionsCommand {
  static let page = CommandPage(
    name: "completions", usage: "bash|zsh|fish", summary: "write a shell's completions",
    text: ["`source <(kassa completions bash)` tries them; `make install` puts them where the shells find them."],
    words: Shell.allCases.map(\.rawValue))

  static let command = Command(page: page) { arguments, program in
    let arguments = try Arguments(arguments, of: page)
    try arguments.expectRest(1...1, of: page)
    guard let shell = Shell(rawValue: arguments.rest[0]) else {
      throw UsageError("there are completions for \(Shell.allCases.map(\.rawValue).joined(separator: ", "))")
    }
    program.console.say(CommandTable.manual.completions(for: shell))
    return .success
  }
}
