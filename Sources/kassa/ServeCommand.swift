import Settings

/// `kassa serve`
enum ServeCommand {
  static let page = CommandPage(
    name: "serve", usage: "[SETTING]…", summary: "serve orders, stock and payments, from one process or as a pod",
    text: [
      "Serves the REST API until SIGTERM or SIGINT; then it serves on for drain-delay, refuses new requests, "
        + "finishes those under way, writes what has changed to the store, and ends. A second SIGTERM or SIGINT, "
        + "half a second later or more, ends it at once, with code 3.",
      "Each setting can also be given as a variable of the environment, or as a line NAME=VALUE of the file that "
        + "--config names. A flag wins over the environment, that over the file, that over the default.",
      "SIGHUP makes it read the API keys again; keys that cannot be read change nothing, and the log says why.",
      "In embedded mode, the default, one process serves everything from a data folder. In cluster mode it is a pod: "
        + "its log is in Kafka, its checkpoints are in PostgreSQL, and others share the work.",
    ], options: CommandOption.settings)

  /// - Parameter serve: runs the server until it is told to stop; what it throws is shown as the failure.
  static func command(_ serve: @escaping @Sendable (ServeSettings) throws -> Void) -> Command {
    Command(page: page) { arguments, program in
      let resolved = try program.environment.settings(arguments)
      try resolved.checkServing()
      try serve(resolved.settings)
      return .success
    }
  }
}
