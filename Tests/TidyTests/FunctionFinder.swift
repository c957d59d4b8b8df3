/// Finds the functions, initialisers and their lengths in code without comments and literals.
struct FunctionFinder {
  private(set) var functions: [(name: String, line: Int, lines: Int)] = []

  init(_ code: [String]) {
    let bytes = Array(code.joined(separator: "\n").utf8)
    var line = 1
    var word: [UInt8] = []
    for index in bytes.indices {
      let byte = bytes[index]
      if isWord(byte) {
        word.append(byte)
        continue
      }
      let name = String(decoding: word, as: UTF8.self)
      word = []
      let isInitialiser = name == "init" && "(?<".utf8.contains(byte) && !isPartOfCall(bytes, index - 4)
      if name == "func" || name == "deinit" || isInitialiser {
        if let end = bodyEnd(bytes, from: index) {
          let lines = bytes[index...end].count { $0 == UInt8(ascii: "\n") } + 1
          functions.append((name == "func" ? nameBehind(bytes, index) : name, line, lines))
        }
      }
      if byte == UInt8(ascii: "\n") { line += 1 }
    }
  }

  private func isWord(_ byte: UInt8) -> Bool {
    (byte | 0x20) >= UInt8(ascii: "a") && (byte | 0x20) <= UInt8(ascii: "z") || byte == UInt8(ascii: "_")
      || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
  }

  /// `self.init(` and `.init(` call one.
  private func isPartOfCall(_ bytes: [UInt8], _ start: Int) -> Bool {
    start > 0 && (bytes[start - 1] == UInt8(ascii: ".") || bytes[start - 1] == UInt8(ascii: "`"))
  }

  private func nameBehind(_ bytes: [UInt8], _ index: Int) -> String {
    let rest = bytes[index...].drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "`") }
    return String(decoding: rest.prefix { isWord($0) }, as: UTF8.self)
  }

  /// The closing brace of the body whose head goes on at `start`; nil where there is none, as in a protocol.
  private func bodyEnd(_ bytes: [UInt8], from start: Int) -> Int? {
    var brackets = 0
    var braces = 0
    for index in bytes.indices[start...] {
      switch bytes[index] {
      case UInt8(ascii: "("), UInt8(ascii: "["): brackets += 1
      case UInt8(ascii: ")"), UInt8(ascii: "]"): brackets -= 1
      case UInt8(ascii: "{") where braces > 0 || brackets == 0: braces += 1
      case UInt8(ascii: "}") where braces > 0 || brackets == 0:
        braces -= 1
        if braces <= 0 { return braces == 0 ? index : nil }
      case UInt8(ascii: "\n") where braces == 0 && brackets == 0 && !goesOn(bytes, index + 1): return nil
      default: break
      }
    }
    return nil
  }

  /// Whether a line goes on with a function's head: its effects, its result, its conditions or its body.
  private func goesOn(_ bytes: [UInt8], _ start: Int) -> Bool {
    let rest = bytes[start...].drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
    return ["{", "->", "where ", "async", "throws", "rethrows", "("].contains { rest.starts(with: $0.utf8) }
  }
}
