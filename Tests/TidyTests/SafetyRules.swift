/// What the compiler is told to believe must be explained; what traps must not be there.
enum SafetyRules {
  /// Lines above and below in which the explanation may stand.
  static let explanationLinesMax = 6

  /// Every `@unchecked Sendable` and `nonisolated(unsafe)` has a comment near that says why it is safe.
  static func unexplained(_ file: SourceFile) -> [Finding] {
    file.code.indices.compactMap { index in
      let line = file.code[index]
      let marks = ["@unchecked Sendable", "nonisolated(unsafe)"].filter { line.contains($0) }
      guard let mark = marks.first else { return nil }
      let near = max(0, index - explanationLinesMax)...min(file.code.count - 1, index + explanationLinesMax)
      guard !near.contains(where: { explains(file.comments[$0]) }) else { return nil }
      return Finding(
        path: file.path, line: index + 1, message: "'\(mark)' without a comment near that says why it is safe")
    }
  }

  private static func explains(_ comment: String) -> Bool {
    let words = comment.lowercased().split { !$0.isLetter }
    return words.contains("safe") || words.contains("safely") || comment.contains("`@unchecked`")
  }

  /// Force unwraps under Sources. A line whose own comment, or the one above it, says why it is safe may stay.
  static func forceUnwraps(_ file: SourceFile) -> [Finding] {
    guard !file.isTest else { return [] }
    return file.code.indices.compactMap { index in
      guard hasForceUnwrap(file.code[index]) else { return nil }
      let own = file.comments[index] + (index > 0 ? file.comments[index - 1] : "")
      guard !explains(own) else { return nil }
      return Finding(
        path: file.path, line: index + 1, message: "a force unwrap: instead, handle nil, or say why it is safe")
    }
  }

  /// `!` straight behind a name or a closing bracket, and not the start of `!=`.
  private static func hasForceUnwrap(_ line: String) -> Bool {
    let bytes = Array(line.utf8)
    return bytes.indices.contains { index in
      guard index > 0, bytes[index] == UInt8(ascii: "!") else { return false }
      if index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "=") { return false }
      let before = Character(UnicodeScalar(bytes[index - 1]))
      return before.isLetter || before.isNumber || before == "_" || before == ")" || before == "]"
    }
  }
}
