/// The program's own documentation.
public struct Manual: Sendable {
  public let version: String
  /// The version's release date, as year-month-day.
  public let date: String
  public let pages: [CommandPage]

  public static let tagline = "a checkout backend: orders, stock and payments, each item sold exactly once"

  public init(version: String, date: String, pages: [CommandPage]) {
    self.version = version
    self.date = date
    self.pages = pages
  }

  /// `kassa help`.
  public var overview: String {
    let width = pages.map(\.name.count).max() ?? 0
    var lines = ["kassa — \(Self.tagline)", "", "Usage: kassa COMMAND …", ""]
    for page in pages { lines.append("  \(padded(page.name, width))  \(page.summary)") }
    lines += ["", "kassa help COMMAND describes one. Exit codes:"]
    for code in ExitCode.allCases { lines.append("  \(padded("\(code.rawValue)", 2))  \(code.meaning)") }
    return lines.joined(separator: "\n") + "\n"
  }

  /// `kassa help COMMAND`.
  public func help(_ page: CommandPage) -> String {
    var lines = ["kassa \(page.name) — \(page.summary)", "", "Usage: kassa \(page.name) \(page.usage)"]
    for paragraph in page.text { lines += ["", wrapped(paragraph, indent: "")] }
    for (group, options) in Self.grouped(page.options) {
      lines += ["", "\(group):"]
      for option in options {
        lines.append("  \(option.usage)")
        lines.append(wrapped("\(sentence(option.summary)) \(option.details)", indent: "      "))
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Options by group, both in page order.
  static func grouped(_ options: [CommandOption]) -> [(group: String, options: [CommandOption])] {
    var groups: [(group: String, options: [CommandOption])] = []
    for option in options {
      if let place = groups.firstIndex(where: { $0.group == option.group }) {
        groups[place].options.append(option)
      } else {
        groups.append((option.group, [option]))
      }
    }
    return groups
  }

  private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}

/// A summary as a sentence.
func sentence(_ summary: String) -> String {
  (summary.first.map { $0.uppercased() } ?? "") + summary.dropFirst() + "."
}

/// Text wrapped to at most 90 characters per line.
private func wrapped(_ text: String, indent: String) -> String {
  var lines: [String] = []
  var line = indent
  for word in text.split(separator: " ") {
    if line.count + word.count + 1 > 90, line.count > indent.count {
      lines.append(line)
      line = indent
    }
    line += line.count > indent.count ? " \(word)" : word
  }
  lines.append(line)
  return lines.joined(separator: "\n")
}
