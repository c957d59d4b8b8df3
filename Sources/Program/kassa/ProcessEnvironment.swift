import Glibc
import Settings

/// What the program sees of the machine it runs on.
struct ProcessEnvironment: Sendable {
  let variables: [String: String]
  let readFile: @Sendable (String) throws -> String

  static let process = ProcessEnvironment(variables: variablesOfProcess(), readFile: readTextFile)

  /// The settings in force for these flags.
  func settings(_ flags: [String]) throws(SettingsError) -> ResolvedSettings {
    try SettingsResolver.resolve(arguments: flags, environment: variables, readFile: readFile)
  }

  private static func variablesOfProcess() -> [String: String] {
    var variables: [String: String] = [:]
    var place = environ
    while let entry = place.pointee {
      let text = String(cString: entry)
      if let equals = text.firstIndex(of: "=") {
        variables[String(text[..<equals])] = String(text[text.index(after: equals)...])
      }
      place += 1
    }
    return variables
  }
}

/// Why a file could not be read.
struct FileError: Error, CustomStringConvertible {
  let description: String
}

/// A settings file has a few dozen lines; anything longer is not one.
private let settingsFileBytesMax = 1 << 20

private func readTextFile(_ path: String) throws -> String {
  guard let file = fopen(path, "re") else { throw FileError(description: String(cString: strerror(errno))) }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 16 << 10)
  while true {
    let count = fread(&chunk, 1, chunk.count, file)
    bytes += chunk.prefix(count)
    if bytes.count > settingsFileBytesMax { throw FileError(description: "longer than \(settingsFileBytesMax) bytes") }
    if count == 0 { break }
  }
  if ferror(file) != 0 { throw FileError(description: String(cString: strerror(errno))) }
  guard let text = String(validating: bytes, as: UTF8.self) else { throw FileError(description: "not UTF-8") }
  return text
}
