import LoadGenerator

/// The file named by `--api-key-file`, for commands that send an API key.
enum APIKeyFile {
  /// - Throws: `LoadError` if it cannot be read.
  static func text(_ file: String, _ environment: ProcessEnvironment) throws(LoadError) -> String {
    do {
      return try environment.readFile(file)
    } catch {
      throw LoadError("--api-key-file: \(file) cannot be read: \(error)")
    }
  }

  /// The one key in it.
  /// - Throws: `LoadError` if it cannot be read, or holds anything else.
  static func key(_ file: String, _ environment: ProcessEnvironment) throws(LoadError) -> String {
    try LoadCommand.apiKey(in: text(file, environment))
  }
}
