import Foundation

/// The repository that these tests stand in.
enum Repository {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  /// Every Swift file under Sources, Tests and perf, and the package's manifest.
  static let swiftFiles: [SourceFile] =
    (files(under: "Sources") + files(under: "Tests") + files(under: "perf") + ["Package.swift"])
    .filter { $0.hasSuffix(".swift") }
    .map { SourceFile(path: $0, text: text($0)) }

  /// Every page of documentation.
  static let pages: [String] =
    ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"]
    + files(under: "docs").filter { $0.hasSuffix(".md") }

  static func text(_ path: String) -> String {
    (try? String(contentsOf: root.appending(path: path), encoding: .utf8)) ?? ""
  }

  static func exists(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: root.appending(path: path).path(percentEncoded: false))
  }

  /// All files under a folder of the repository, as paths from its root, sorted.
  static func files(under folder: String) -> [String] {
    let start = root.appending(path: folder).path(percentEncoded: false)
    let paths = FileManager.default.enumerator(atPath: start)?.compactMap { $0 as? String } ?? []
    return paths.map { "\(folder)/\($0)" }
      .filter { path in !path.split(separator: "/").contains { $0.hasPrefix(".") || $0 == "__pycache__" } }
      .sorted()
  }
}
