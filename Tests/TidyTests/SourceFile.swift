/// A Swift file taken apart: what is code and what is comment, line by line.
struct SourceFile {
  /// From the repository's root, with slashes.
  let path: String
  let lines: [Substring]
  /// The lines with comments and the contents of string literals left out.
  let code: [String]
  /// The comments of each line.
  let comments: [String]

  init(path: String, text: String) {
    self.path = path
    lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    let splitter = CommentSplitter(text)
    code = splitter.code.map { String(decoding: $0, as: UTF8.self) }
    comments = splitter.comments.map { String(decoding: $0, as: UTF8.self) }
  }

  /// Lines, the empty one behind the last line break left out.
  var lineCount: Int { lines.last?.isEmpty == true ? lines.count - 1 : lines.count }

  /// The target that the file belongs to: the folder on a floor of Sources or Tests, or the floor
  /// itself where that is one target.
  var target: String? {
    let parts = path.split(separator: "/").map(String.init)
    guard parts.count > 2, parts[0] == "Sources" || parts[0] == "Tests" else { return nil }
    if TargetRules.floorsOfOneTarget.contains(parts[1]) { return parts[0] == "Tests" ? "\(parts[1])Tests" : parts[1] }
    guard (TargetRules.floors + ["Support"]).contains(parts[1]) else { return parts[1] }
    return parts.count > 3 ? parts[2] : nil
  }

  /// The floor of Sources or Tests that the file is on.
  var floor: String? {
    path.split(separator: "/").dropFirst().first.map(String.init).flatMap { TargetRules.floors.contains($0) ? $0 : nil }
  }

  var isTest: Bool { path.hasPrefix("Tests/") }

  /// The modules that the file imports, with their line numbers from 1.
  var imports: [(module: String, line: Int)] {
    code.enumerated().compactMap { index, line in
      let words = line.split(separator: " ")
      guard let place = words.firstIndex(of: "import"), place + 1 < words.count,
        words[..<place].allSatisfy({ importModifiers.contains(String($0)) || $0.hasPrefix("@") })
      else { return nil }
      let isKind = importKinds.contains(String(words[place + 1])) && place + 2 < words.count
      let name = words[isKind ? place + 2 : place + 1]
      return (String(name.prefix { $0 != "." }), index + 1)
    }
  }
}

private let importModifiers: Set<String> = ["public", "package", "internal", "fileprivate", "private"]
private let importKinds: Set<String> = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]

/// What a rule has to complain about.
struct Finding: Hashable, CustomStringConvertible {
  let path: String
  /// From 1; 0 where the finding is about the whole file.
  let line: Int
  let message: String

  var description: String { line > 0 ? "\(path):\(line): \(message)" : "\(path): \(message)" }
}
