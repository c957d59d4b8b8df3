/// Divides Swift source into code and comments.
///
/// Knows line comments, nested block comments, and string literals of every kind (with `#`, of several lines, with
/// interpolations, whose code is code). Literals keep their quotes and lose their contents. Knows no regex literals.
struct CommentSplitter {
  private enum Mode {
    case code
    case lineComment
    case blockComment(depth: Int)
    case string(Literal)
  }

  private struct Literal {
    let hashes: Int
    let quotes: Int
  }

  /// One element for each line of the text.
  private(set) var code: [[UInt8]] = [[]]
  private(set) var comments: [[UInt8]] = [[]]
  private let bytes: [UInt8]
  private var mode = Mode.code
  /// Literals whose interpolations are being read, and the round brackets open in each interpolation.
  private var interrupted: [(literal: Literal, brackets: Int)] = []

  init(_ text: String) {
    bytes = Array(text.utf8)
    var index = 0
    while index < bytes.count { index += step(index) }
  }

  private func has(_ mark: StaticString, at index: Int) -> Bool {
    guard index + mark.utf8CodeUnitCount <= bytes.count else { return false }
    for place in 0..<mark.utf8CodeUnitCount where bytes[index + place] != mark.utf8Start[place] { return false }
    return true
  }

  /// How many bytes of a kind stand at a place.
  private func run(of byte: UInt8, at index: Int) -> Int {
    var end = index
    while end < bytes.count, bytes[end] == byte { end += 1 }
    return end - index
  }

  /// Understands what stands at a place; tells how many bytes that is.
  private mutating func step(_ index: Int) -> Int {
    if bytes[index] == UInt8(ascii: "\n") {
      switch mode {
      case .lineComment: mode = .code
      case .string(let literal) where literal.quotes == 1: mode = .code
      default: break
      }
      code.append([])
      comments.append([])
      return 1
    }
    switch mode {
    case .code: return stepInCode(index)
    case .lineComment:
      comments[comments.count - 1].append(bytes[index])
      return 1
    case .blockComment(let depth): return stepInBlockComment(index, depth)
    case .string(let literal): return stepInString(index, literal)
    }
  }

  private mutating func stepInCode(_ index: Int) -> Int {
    switch bytes[index] {
    case UInt8(ascii: "/"):
      if has("//", at: index) {
        mode = .lineComment
        return 2
      }
      if has("/*", at: index) {
        mode = .blockComment(depth: 1)
        return 2
      }
    case UInt8(ascii: "\""), UInt8(ascii: "#"):
      let hashes = run(of: UInt8(ascii: "#"), at: index)
      let quotes = run(of: UInt8(ascii: "\""), at: index + hashes)
      if quotes > 0 {
        let literal = Literal(hashes: hashes, quotes: quotes >= 3 ? 3 : 1)
        code[code.count - 1].append(UInt8(ascii: "\""))
        mode = .string(literal)
        return hashes + literal.quotes
      }
    case UInt8(ascii: "("):
      if let last = interrupted.indices.last { interrupted[last].brackets += 1 }
    case UInt8(ascii: ")"):
      if let last = interrupted.indices.last {
        interrupted[last].brackets -= 1
        if interrupted[last].brackets == 0 { mode = .string(interrupted.removeLast().literal) }
      }
    default: break
    }
    code[code.count - 1].append(bytes[index])
    return 1
  }

  private mutating func stepInBlockComment(_ index: Int, _ depth: Int) -> Int {
    if has("/*", at: index) {
      mode = .blockComment(depth: depth + 1)
      return 2
    }
    if has("*/", at: index) {
      mode = depth > 1 ? .blockComment(depth: depth - 1) : .code
      return 2
    }
    comments[comments.count - 1].append(bytes[index])
    return 1
  }

  private mutating func stepInString(_ index: Int, _ literal: Literal) -> Int {
    if bytes[index] == UInt8(ascii: "\\"), run(of: UInt8(ascii: "#"), at: index + 1) >= literal.hashes {
      let escaped = index + 1 + literal.hashes
      if escaped < bytes.count, bytes[escaped] == UInt8(ascii: "(") {
        interrupted.append((literal, 1))
        code[code.count - 1].append(UInt8(ascii: "("))
        mode = .code
      } else if escaped < bytes.count, bytes[escaped] == UInt8(ascii: "\n") {
        return escaped - index
      }
      return escaped - index + 1
    }
    guard run(of: UInt8(ascii: "\""), at: index) >= literal.quotes,
      run(of: UInt8(ascii: "#"), at: index + literal.quotes) >= literal.hashes
    else { return 1 }
    code[code.count - 1].append(UInt8(ascii: "\""))
    mode = .code
    return literal.quotes + literal.hashes
  }
}
