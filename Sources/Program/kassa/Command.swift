import Settings

/// A subcommand: its page, and what it does with its arguments.
struct Command: Sendable {
  let page: CommandPage
  /// - Throws: `UsageError` or `SettingsError` if the command line is wrong (exit code 2); anything else is a failure
  ///   (exit code 1) whose description is shown.
  let run: @Sendable (_ arguments: [String], _ program: Program) throws -> ExitCode
}

/// An invalid command line; `message` names what is wrong.
struct UsageError: Error, CustomStringConvertible {
  let message: String
  init(_ message: String) { self.message = message }
  var description: String { message }
}
