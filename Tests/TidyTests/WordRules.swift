/// Words that do not belong into the code, each with what to do instead.
enum WordRules {
  enum Place {
    /// The text as it stands, comments and literals included.
    case everywhere
    case code
    /// Code under Sources.
    case sources
    /// Code of the targets that must decide the same in every replay.
    case pure
  }

  static let words: [(word: String, place: Place, instead: String)] = [
    ("TODO", .everywhere, "do it, or leave it out"),
    ("FIXME", .everywhere, "fix it"),
    ("XXX", .everywhere, "say what is meant"),
    ("HACK", .everywhere, "say why it has to be so"),
    ("for now", .everywhere, "say until when, or leave it out"),
    ("fatalError", .code, "throw, or make the case impossible"),
    ("try!", .code, "handle the error; in a test, let it throw"),
    ("as!", .code, "as? and handle the other case"),
    ("Thread.sleep", .code, "wait for the event, or poll with a deadline"),
    ("Task.sleep", .sources, "a timer of the lane"),
    ("usleep", .sources, "a timer of the lane, or a wait for the event"),
    ("nanosleep", .sources, "a timer of the lane, or a wait for the event"),
    ("print(", .sources, "the log; in the command's own files, Console"),
    ("Date(", .pure, "a time that the command carries"),
    ("ContinuousClock", .pure, "a time that the command carries"),
    ("SuspendingClock", .pure, "a time that the command carries"),
    ("clock_gettime", .pure, "a time that the command carries"),
    (".random(", .pure, "what the command carries, or a generator seeded by it"),
    ("randomElement", .pure, "what the command carries, or a generator seeded by it"),
    (".shuffle", .pure, "what the command carries, or a generator seeded by it"),
    ("SystemRandomNumberGenerator", .pure, "a generator seeded by the command"),
    (".hashValue", .pure, "a hash of Kassa's own: this one differs from process to process"),
    ("Hasher(", .pure, "a hash of Kassa's own: this one differs from process to process"),
  ]

  static func bannedWords(_ file: SourceFile) -> [Finding] {
    var findings: [Finding] = []
    for (word, place, instead) in words where applies(place, to: file) {
      let isEverywhere = place == .everywhere
      for index in file.lines.indices {
        let found = isEverywhere ? contains(String(file.lines[index]), word) : contains(file.code[index], word)
        if found {
          findings.append(Finding(path: file.path, line: index + 1, message: "'\(word)': instead, \(instead)"))
        }
      }
    }
    return findings
  }

  private static func applies(_ place: Place, to file: SourceFile) -> Bool {
    // The rules' own files name the words; the command's files print.
    if file.path.hasPrefix("Tests/TidyTests/") { return false }
    switch place {
    case .everywhere, .code: return true
    case .sources: return file.path.hasPrefix("Sources/") && file.target != "kassa"
    case .pure: return !file.isTest && TargetRules.pureTargets.keys.contains(file.target ?? "")
    }
  }

  /// Whether a line has the word, not as a part of a longer one.
  private static func contains(_ line: String, _ word: String) -> Bool {
    guard line.contains(word) else { return false }
    for range in line.ranges(of: word) {
      let before = range.lowerBound > line.startIndex ? line[line.index(before: range.lowerBound)] : " "
      let after = range.upperBound < line.endIndex ? line[range.upperBound] : " "
      let startsFree = !isPartOfWord(word.first ?? " ") || !isPartOfWord(before)
      let endsFree = !isPartOfWord(word.last ?? " ") || !isPartOfWord(after)
      if startsFree && endsFree { return true }
    }
    return false
  }

  private static func isPartOfWord(_ character: Character) -> Bool {
    character.isLetter || character.isNumber || character == "_"
  }
}
