import Settings

/// `kassa serve`
enum ServeCommand {
  static let page = CommandPage(
    name: "serve", usage: "[SETTING]…", summary: "serve orders, stock and payments, from one process or as a pod",
    text: [
      "Serves the REST API until SIGTERM or SIGINT; then it refuses new requests, finishes those under way, writes "
        + "what has changed to the store, and exits. After SIGTERM it first keeps serving for drain-delay. A second "
        + "SIGTERM or SIGINT, at least half a second later, ends it immediately, with code 3.",
      "If the log or the store of its data folder can no longer be written, only a new process can find out what the "
        + "disk holds: the server answers what it can for a few seconds and exits with code 74.",
      "Each setting can also be given as an environment variable, or as a line NAME=VALUE of the file that --config "
        + "names. A flag overrides the environment, which overrides the file, which overrides the default.",
      "SIGHUP, or POST /reload of the operator port, makes it reload the API keys, the TLS certificate with its key, "
        + "and from the settings the log level. "
        + "What cannot be read changes nothing, and the log says why.",
      "In embedded mode, the default, one process serves everything from a data folder. In cluster mode it is a pod: "
        + "its log is in Kafka, its checkpoints are in PostgreSQL, and others share the work.",
    ], options: CommandOption.settings)

  /// Reads the settings again, from where they came from at the start.
  typealias Rereading = @Sendable () throws(SettingsError) -> ServeSettings

  /// - Parameter serve: runs the server until it ends, and returns the process's exit code; what it throws is shown
  ///   as the failure.
  static func command(_ serve: @escaping @Sendable (ServeSettings, @escaping Rereading) throws -> ExitCode) -> Command {
    Command(page: page) { arguments, program in
      let resolved = try program.environment.settings(arguments)
      try resolved.checkServing()
      return try serve(resolved.settings) { () throws(SettingsError) in
        try program.environment.settings(arguments).settings
      }
    }
  }
}
