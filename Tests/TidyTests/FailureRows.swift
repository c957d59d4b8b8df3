import Foundation

/// The table of failures and their tests in `docs/internals/testing.md`: each test that it names is there.
enum FailureRows {
  static let page = "docs/internals/testing.md"

  /// A row: the failure, and its tests.
  struct Row {
    let line: Int
    let failure: String
    let tests: [String]
  }

  static func rows(_ content: String) -> [Row] {
    var rows: [Row] = []
    var isThere = false
    for (index, line) in content.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if line.hasPrefix("#") { isThere = line == "## Failures and their tests" }
      let cells = line.split(separator: "|").map { $0.trimmingCharacters(in: .whitespaces) }
      guard isThere, cells.count == 2, cells[0] != "failure", !cells[0].hasPrefix("---") else { continue }
      rows.append(
        Row(line: index + 1, failure: cells[0], tests: cells[1].matches(of: /`([^`]+)`/).map { String($0.output.1) }))
    }
    return rows
  }

  /// Rows without a test, and names of tests that do not exist.
  /// - Parameters:
  ///   - files: every file of tests, and the one with the planted mistakes.
  ///   - text: the text of one of them.
  static func findings(_ content: String, files: [String], text: (String) -> String) -> [Finding] {
    rows(content).flatMap { row -> [Finding] in
      let missing = row.tests.filter { !exists($0, files, text) }
      let messages =
        row.tests.isEmpty ? ["'\(row.failure)' has no test"] : missing.map { "there is no test '\($0)'" }
      return messages.map { Finding(path: page, line: row.line, message: $0) }
    }
  }

  private static func exists(_ name: String, _ files: [String], _ text: (String) -> String) -> Bool {
    if files.contains(name) { return true }
    let parts = name.split(separator: "/").map(String.init)
    guard parts.count == 2 else { return false }
    return files.filter { $0.hasSuffix("/\(parts[0]).swift") || $0.hasSuffix("/\(parts[0]).py") }.contains { file in
      let words = text(file).split { !$0.isLetter && !$0.isNumber && $0 != "_" }.map(String.init)
      return zip(words, words.dropFirst()).contains { ["func", "def", "case"].contains($0) && $1 == parts[1] }
    }
  }
}
