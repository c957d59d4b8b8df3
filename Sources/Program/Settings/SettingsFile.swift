/// A file of settings: lines `NAME=VALUE` as environment files have them.
///
/// Empty lines and lines starting with `#` are skipped, as is `export ` before a name. A value may be in single quotes,
/// taken literally, or in double quotes, where `\\` escapes the character after it. Without quotes it ends at a `#`
/// after a space, or at the line's end, without surrounding spaces.
enum SettingsFile {
  struct Line: Hashable {
    let number: Int
    let name: String
    let value: String
  }

  /// The lines with settings, and a sentence about each line that cannot be read.
  static func read(_ text: String, path: String) -> (lines: [Line], problems: [String]) {
    var lines: [Line] = []
    var problems: [String] = []
    for (index, raw) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      var line = trimmed(raw)
      if line.isEmpty || line.hasPrefix("#") { continue }
      if line.hasPrefix("export ") { line = trimmed(line.dropFirst(7)) }
      guard let equals = line.firstIndex(of: "="), equals > line.startIndex else {
        problems.append("\(path):\(index + 1): NAME=VALUE expected, not '\(line)'")
        continue
      }
      guard let value = value(line[line.index(after: equals)...]) else {
        problems.append("\(path):\(index + 1): a quote is not closed, or something follows it")
        continue
      }
      lines.append(Line(number: index + 1, name: String(trimmed(line[..<equals])), value: value))
    }
    return (lines, problems)
  }

  private static func value(_ text: Substring) -> String? {
    let text = trimmed(text)
    guard let quote = text.first, quote == "'" || quote == "\"" else {
      let comment = text.indices.first { index in
        text[index] == "#" && (index == text.startIndex || isBlank(text[text.index(before: index)]))
      }
      return String(trimmed(text[..<(comment ?? text.endIndex)]))
    }
    var value = ""
    var isEscaped = false
    for index in text.indices.dropFirst() {
      let character = text[index]
      if isEscaped {
        value.append(character)
        isEscaped = false
      } else if character == "\\", quote == "\"" {
        isEscaped = true
      } else if character == quote {
        let rest = trimmed(text[text.index(after: index)...])
        return rest.isEmpty || rest.hasPrefix("#") ? value : nil
      } else {
        value.append(character)
      }
    }
    return nil
  }

  private static func trimmed(_ text: Substring) -> Substring {
    var text = text
    while let first = text.first, isBlank(first) { text.removeFirst() }
    while let last = text.last, isBlank(last) { text.removeLast() }
    return text
  }

  private static func isBlank(_ character: Character) -> Bool { character == " " || character == "\t" }
}
