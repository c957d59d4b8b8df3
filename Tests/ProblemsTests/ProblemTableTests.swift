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
    // What may be repeated says when, and nothing else does.
    #expect((row.repetition == .later) == [429, 503].contains(row.status))
  }

  @Test func titlesAreUnique() {
    #expect(Set(ProblemCode.allCases.map(\.title.description)).count == ProblemCode.allCases.count)
  }

  @Test func theDocumentedPageIsTheTables() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(contentsOf: root.appending(path: "docs/problems.md"), encoding: .utf8)
    #expect(page == ProblemsPage.markdown, "kassa problems > docs/problems.md")
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
