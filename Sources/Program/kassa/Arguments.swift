import Settings

/// A subcommand's arguments, split into the options of its page and the rest.
struct Arguments {
  private(set) var values: [String: String] = [:]
  private(set) var switches: Set<String> = []
  /// Everything that is not an option, in order.
  private(set) var rest: [String] = []

  /// - Throws: `UsageError` about an option that the page does not have, lacks its value, or occurs twice.
  init(_ arguments: [String], of page: CommandPage) throws(UsageError) {
    var remaining = arguments[...]
    while let argument = remaining.popFirst() {
      guard argument.hasPrefix("--"), argument.count > 2 else {
        rest.append(argument)
        continue
      }
      let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      guard let option = page.options.first(where: { $0.name == name }) else {
        let hint = NearestName.of("--\(name)", among: page.options.map(\.flag)).map { "; did you mean \($0)?" } ?? ""
        throw UsageError("\(page.name) has no option --\(name)\(hint)")
      }
      guard option.placeholder != nil else {
        if parts.count > 1 { throw UsageError("--\(name) takes no value") }
        switches.insert(name)
        continue
      }
      let isAlone = parts.count == 1 && remaining.first?.hasPrefix("--") != false
      guard !isAlone, let value = parts.count > 1 ? String(parts[1]) : remaining.popFirst() else {
        throw UsageError("--\(name) needs a value: \(option.placeholder ?? "")")
      }
      guard values.updateValue(value, forKey: name) == nil else { throw UsageError("--\(name) is given twice") }
    }
  }

  /// Separates the flags of settings, each with its value, from the rest.
  static func divide(settings arguments: [String]) -> (flags: [String], rest: [String]) {
    var (flags, rest): ([String], [String]) = ([], [])
    var remaining = arguments[...]
    while let argument = remaining.popFirst() {
      guard argument.hasPrefix("--"), argument.count > 2 else {
        rest.append(argument)
        continue
      }
      flags.append(argument)
      guard !argument.contains("=") else { continue }
      let isSwitch = SettingsTable.setting(named: String(argument.dropFirst(2)))?.isSwitch == true
      if isSwitch, remaining.first != "yes", remaining.first != "no" { continue }
      if let value = remaining.popFirst() { flags.append(value) }
    }
    return (flags, rest)
  }

  /// - Throws: `UsageError` if there are arguments that the command does not take.
  func expectRest(_ range: ClosedRange<Int>, of page: CommandPage) throws(UsageError) {
    guard !range.contains(rest.count) else { return }
    let problem = rest.count < range.lowerBound ? "an argument is missing" : "'\(rest[range.upperBound])' is unexpected"
    throw UsageError("\(problem): kassa \(page.name) \(page.usage)")
  }

  /// The value of an option as a whole number.
  /// - Throws: `UsageError` if it is not one, or out of range.
  func count(_ name: String, in range: ClosedRange<Int>) throws(UsageError) -> Int? {
    guard let text = values[name] else { return nil }
    guard let count = Int(text), range.contains(count) else {
      throw UsageError("--\(name) cannot be '\(text)': \(range.lowerBound)…\(range.upperBound)")
    }
    return count
  }
}
