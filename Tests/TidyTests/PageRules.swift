import Foundation

/// What the documentation must keep to.
enum PageRules {
  /// Links to files, folders and headings that do not exist.
  /// - Parameters:
  ///   - exists: whether a path from the repository's root exists.
  ///   - text: the text of such a path.
  static func brokenLinks(
    _ page: String, _ content: String, exists: (String) -> Bool, text: (String) -> String
  ) -> [Finding] {
    var findings: [Finding] = []
    for (number, line) in proseLines(content) {
      for match in line.matches(of: /\]\(([^)\s]+)\)/) {
        let link = String(match.output.1)
        if link.contains("://") || link.hasPrefix("mailto:") { continue }
        let parts = link.split(separator: "#", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let path = parts[0].isEmpty ? page : resolve(parts[0], from: page)
        if !exists(path) {
          findings.append(Finding(path: page, line: number, message: "the link '\(link)' leads nowhere"))
        } else if parts.count > 1, path.hasSuffix(".md"), !anchors(text(path)).contains(parts[1]) {
          findings.append(Finding(path: page, line: number, message: "no heading for the link '\(link)'"))
        }
      }
    }
    return findings
  }

  private static let machineFolders = ["home", "root", "Users", "work"].map { "/\($0)/" }

  /// Paths of somebody's machine.
  static func machinePaths(_ path: String, _ lines: [Substring]) -> [Finding] {
    lines.enumerated().flatMap { index, line in
      machineFolders.filter { hasPath(line, $0) }.map {
        Finding(path: path, line: index + 1, message: "'\($0)…' is a path of one machine")
      }
    }
  }

  /// An absolute path begins at the start of a word.
  private static func hasPath(_ line: Substring, _ prefix: String) -> Bool {
    line.ranges(of: prefix).contains { range in
      guard range.lowerBound > line.startIndex else { return true }
      let before = line[line.index(before: range.lowerBound)]
      return !before.isLetter && !before.isNumber && !"._-*}/".contains(before)
    }
  }

  /// Lines outside of fenced code, with their numbers from 1.
  private static func proseLines(_ content: String) -> [(Int, Substring)] {
    var isFenced = false
    var lines: [(Int, Substring)] = []
    for (index, line) in content.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if line.hasPrefix("```") {
        isFenced.toggle()
      } else if !isFenced {
        lines.append((index + 1, line))
      }
    }
    return lines
  }

  /// The names under which a page's headings are linked.
  private static func anchors(_ content: String) -> Set<String> {
    Set(
      proseLines(content).filter { $0.1.hasPrefix("#") }.map { _, line in
        line.drop { $0 == "#" }.trimmingCharacters(in: .whitespaces).lowercased()
          .filter { $0.isLetter || $0.isNumber || $0 == " " || $0 == "-" || $0 == "_" }
          .replacing(" ", with: "-")
      })
  }

  /// A relative link as a path from the repository's root.
  private static func resolve(_ link: String, from page: String) -> String {
    var parts = page.split(separator: "/").dropLast().map(String.init)
    for part in link.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(String(part)) }
    }
    return parts.joined(separator: "/")
  }
}
