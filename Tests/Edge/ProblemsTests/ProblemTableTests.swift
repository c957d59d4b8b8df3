import Foundation
import Testing

@testable import Problems

@Suite struct ProblemTableTests {
  @Test(arguments: ProblemCode.allCases)
  func aRowIsComplete(_ code: ProblemCode) {
    let row = code.row
    #expect(code.rawValue.allSatisfy { $0.isLowercase || $0 == "_" })
    #expect((400...599).contains(row.status))
    #expect(!row.title.description.hasSuffix("."))
    for sentence in [row.meaning, row.caller] { #expect(sentence.hasSuffix(".")) }
    #expect(row.operator.isEmpty || row.operator.hasSuffix("."))
    if [429, 503].contains(row.status) { #expect(code.retryAfterSeconds != nil) }
    #expect(code.retryAfter.map { $0.seconds > 0 && !$0.reason.hasSuffix(".") } ?? true)
  }

  /// A line for each code that says when to ask again, in `docs/http.md` as in the table.
  @Test func theDocumentedTimesAreTheTables() throws {
    let page = try document("http.md").split(separator: "\n").drop { $0 != "| code | `Retry-After` | because |" }
    let lines = page.dropFirst(2).prefix { $0.hasPrefix("|") }
    let codes = ProblemCode.allCases.filter { $0.retryAfter != nil }
      .sorted { ($0.retryAfterSeconds ?? 0) < ($1.retryAfterSeconds ?? 0) }
    let rows = codes.map { "| `\($0.rawValue)` | \($0.retryAfter?.seconds ?? 0) | \($0.retryAfter?.reason ?? "") |" }
    #expect(lines.map(String.init) == rows)
  }

  private func document(_ name: String) throws -> String {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    return try String(contentsOf: root.appending(path: "docs/\(name)"), encoding: .utf8)
  }

  @Test func titlesAreUnique() {
    #expect(Set(ProblemCode.allCases.map(\.title.description)).count == ProblemCode.allCases.count)
  }

  @Test func theDocumentedPageIsTheTables() throws {
    #expect(try document("problems.md") == ProblemsPage.markdown, "kassa problems > docs/problems.md")
  }

  @Test func everyTypeHasItsPlaceOnTheServersPage() {
    let page = String(decoding: ProblemsPage.html, as: UTF8.self)
    #expect(ProblemCode.typePrefix.description == "\(ProblemsPage.path)#")
    for code in ProblemCode.allCases { #expect(page.contains("<h2 id=\"\(code.rawValue)\">")) }
    #expect(!page.contains("`") && !page.contains("]("))
  }

  @Test(arguments: [
    ("a `b<c` & d", "a <code>b&lt;c</code> &amp; d"), ("see [x](y.md).", "see x."), ("`[x]`", "<code>[x]</code>"),
    ("[", ""), ("[x](y", "x(y"),
  ])
  func markdownAsHTML(_ text: String, _ html: String) {
    #expect(ProblemsPage.inline(text) == html)
  }
}
