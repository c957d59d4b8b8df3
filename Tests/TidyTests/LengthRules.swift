/// How long lines, files and functions may be.
enum LengthRules {
  static let lineCharactersMax = 120
  static let fileLinesMedianMax = 90
  /// Nine of ten files keep to this.
  static let fileLinesUsualMax = 350
  static let fileLinesMax = 500
  static let functionLinesMax = 70

  static func longLines(_ file: SourceFile) -> [Finding] {
    file.lines.enumerated().filter { $0.element.count > lineCharactersMax }.map {
      Finding(
        path: file.path, line: $0.offset + 1,
        message: "\($0.element.count) characters in a line; at most \(lineCharactersMax)")
    }
  }

  static func longFiles(_ files: [(path: String, lines: Int)]) -> [Finding] {
    var findings = files.filter { $0.lines > fileLinesMax }.map {
      Finding(path: $0.path, line: 0, message: "\($0.lines) lines; at most \(fileLinesMax): divide it")
    }
    let sorted = files.map(\.lines).sorted()
    guard let longest = files.max(by: { $0.lines < $1.lines }) else { return findings }
    let median = sorted[(sorted.count - 1) / 2]
    if median > fileLinesMedianMax {
      let message = "the median of all files is \(median) lines; at most \(fileLinesMedianMax): divide the long ones"
      findings.append(Finding(path: longest.path, line: 0, message: message))
    }
    let usual = sorted[(sorted.count * 9 + 9) / 10 - 1]
    if usual > fileLinesUsualMax {
      let message = "one file in ten has \(usual) lines or more; nine of ten keep to \(fileLinesUsualMax)"
      findings.append(Finding(path: longest.path, line: 0, message: message))
    }
    return findings
  }

  static func longFunctions(_ file: SourceFile) -> [Finding] {
    FunctionFinder(file.code).functions.filter { $0.lines > functionLinesMax }.map {
      Finding(
        path: file.path, line: $0.line, message: "\($0.name) has \($0.lines) lines; at most \(functionLinesMax)")
    }
  }
}
