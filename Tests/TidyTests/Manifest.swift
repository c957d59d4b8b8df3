/// The targets of Package.swift and their arrows.
struct Manifest {
  /// In the order of their declarations.
  private(set) var order: [String] = []
  private(set) var arrows: [String: Set<String>] = [:]
  /// As the manifest writes them: `platform`, `shop`, ….
  private(set) var floors: [String: String] = [:]

  /// Reads `target("A", .shop, ["B"])`, `tests("A", …)` and `.target(name: "A", dependencies: ["B"])`, all after
  /// `targets: [`.
  init(_ text: String) {
    guard let start = text.ranges(of: "\n  targets: [").last?.upperBound else { return }
    let lines = text[start...].split(separator: "\n").filter { !$0.drop { $0 == " " }.hasPrefix("//") }
    var rest = Substring(lines.joined(separator: "\n"))
    while let head = rest.firstRange(
      of: /\.?(target|tests|program|support|library|executableTarget|testTarget|systemLibrary)\(/)
    {
      let declaration = Self.bracketed(rest[head.upperBound...], "(", ")")
      rest = rest[declaration.endIndex...]
      let strings = Self.strings(declaration)
      guard let name = strings.first else { continue }
      order.append(name)
      floors[name] = declaration.firstMatch(of: /^\s*"[^"]*",\s*\.(\w+)/).map { String($0.output.1) }
      arrows[name] = Set(Self.strings(Self.dependencies(declaration)))
    }
  }

  /// The part that names the dependencies: after `dependencies:`, or the list after the name and floor.
  private static func dependencies(_ declaration: Substring) -> Substring {
    if let label = declaration.ranges(of: "dependencies: [").first {
      return bracketed(declaration[label.upperBound...], "[", "]")
    }
    guard let list = declaration.firstRange(of: /^\s*"[^"]*",\s*(?:\.\w+,\s*)?\[/) else { return "" }
    return bracketed(declaration[list.upperBound...], "[", "]")
  }

  /// Up to the bracket that closes the one before the text.
  private static func bracketed(_ text: Substring, _ open: Character, _ close: Character) -> Substring {
    var depth = 1
    for index in text.indices {
      if text[index] == open { depth += 1 }
      if text[index] == close { depth -= 1 }
      if depth == 0 { return text[..<index] }
    }
    return text
  }

  private static func strings(_ text: Substring) -> [String] {
    text.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
      .compactMap { $0.offset % 2 == 1 ? String($0.element) : nil }
  }
}
