extension SettingsResolver {
  /// Sets secrets to the contents of their files. Only in cluster mode: in embedded mode the settings that name the
  /// files are refused. An empty secret counts as none.
  ///
  /// - Parameter readFile: the text of a file; its error's description becomes part of a sentence.
  mutating func takeSecretFiles(_ readFile: (String) throws -> String) {
    guard resolved.settings.mode == .cluster else { return }
    for secret in SettingsTable.all {
      guard let file = secret.fileSetting, let origin = resolved.origins[file.name] else { continue }
      let path = file.value(in: resolved.settings)
      // An invalid path was refused when it was read.
      if path.isEmpty { continue }
      if let other = resolved.origins[secret.name], !secret.value(in: resolved.settings).isEmpty {
        problems.append("\(secret.name) (\(other)) and \(file.name) (\(origin)) are both given: leave one out")
        continue
      }
      resolved.origins[secret.name] = .secretFile(path: path)
      if let problem = take(secret, from: path, readFile) {
        problems.append("\(file.name) (\(origin)): \(path) \(problem)")
      }
    }
  }

  /// What is wrong with the file, as the end of a sentence; nil if its content was taken.
  private mutating func take(
    _ secret: Setting, from path: String, _ readFile: (String) throws -> String
  ) -> String? {
    let text: String
    do { text = try readFile(path) } catch { return "cannot be read: \(error)" }
    return secret.takeContent(text, &resolved.settings)
  }
}

extension Setting {
  /// Sets a secret to its file's content, without one newline at the end. If that cannot be the value, returns the end
  /// of a sentence about the file, which never shows the content.
  fileprivate func takeContent(_ text: String, _ settings: inout ServeSettings) -> String? {
    switch SecretText.of(file: text) {
    case .failure(let problem): return problem.description
    case .success(let value):
      return type.read(value, &settings) ? nil : "cannot be the value of \(name)"
    }
  }
}

/// Reads the content of a secret's file: for the settings that name one, and for tools that take such a file.
public enum SecretText {
  /// The end of a sentence about the file; it never shows the content.
  public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
  }

  /// The value in a file's text: the text without one newline at its end, if any (`\r\n` counts as one). Refuses a file
  /// of more than 4096 bytes, one without a value, and one with a zero byte.
  public static func of(file text: String) -> Result<String, Problem> {
    let count = text.utf8.count
    guard count <= SettingType.secretBytesMax else {
      return .failure(Problem(description: "has \(count) bytes: a secret has at most \(SettingType.secretBytesMax)"))
    }
    let value = text.last?.isNewline == true ? String(text.dropLast()) : text
    if value.isEmpty { return .failure(Problem(description: "is empty: it must hold the secret")) }
    if value.utf8.contains(0) { return .failure(Problem(description: "holds a zero byte: it must hold text")) }
    return .success(value)
  }
}
