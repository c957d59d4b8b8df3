/// The page about all problems: as documentation, and as every server shows it.
package enum ProblemsPage {
  /// The path of the page on a server.
  package static let path: StaticString = "/problems"

  private static let introduction = """
    Kassa refuses with `application/problem+json` (RFC 9457). Decide by `code`: codes are stable. Later versions \
    may add codes: for an unknown one, go by the status. `type` is the code's place on the page that each server has \
    at `/problems`, `title` says what the problem is, `detail` what it is this time, and `request_id` lets the \
    operator find the request.
    """

  /// `docs/problems.md`.
  package static var markdown: String {
    let head = """
      # Problems

      `kassa problems` generates this page from the table in `Sources/Edge/Problems/ProblemTable.swift`.

      \(introduction)
      """
    return ProblemCode.allCases.reduce(head + "\n") { $0 + "\n" + section($1) }
  }

  /// What the page says about one code.
  package static func section(_ code: ProblemCode) -> String {
    let facts = facts(code).map { "* **\($0.name)**: \($0.text)\n" }.joined()
    return "## \(code.rawValue)\n\n\(code.status): \(code.title). \(code.row.meaning)\n\n\(facts)"
  }

  /// The type of `html`.
  package static let contentType: StaticString = "text/html; charset=utf-8"

  /// The page of a server: without links to other pages, which it does not have.
  package static let html: [UInt8] = {
    var text = """
      <!DOCTYPE html>
      <html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
      <title>Kassa: problems</title>
      <style>body{font:16px/1.5 sans-serif;max-width:45em;margin:2em auto;padding:0 1em}:target{background:#ff8}</style>
      <h1>Problems</h1>
      <p>\(inline(introduction))</p>

      """
    for code in ProblemCode.allCases {
      text += "<h2 id=\"\(code.rawValue)\">\(code.rawValue)</h2>\n"
      text += "<p>\(code.status): \(code.title). \(inline(code.row.meaning))</p>\n<ul>\n"
      for fact in facts(code) { text += "<li><b>\(inline(fact.name))</b>: \(inline(fact.text))</li>\n" }
      text += "</ul>\n"
    }
    return Array((text + "</html>\n").utf8)
  }()

  private static func facts(_ code: ProblemCode) -> [(name: String, text: String)] {
    let row = code.row
    let facts = [
      (name: "Caller", text: row.caller), (name: "Operator", text: row.operator),
      (name: "Repeat it?", text: row.repetition.advice), (name: "`Retry-After`", text: retryAfter(code)),
    ]
    return facts.filter { !$0.text.isEmpty }
  }

  private static func retryAfter(_ code: ProblemCode) -> String {
    code.retryAfter.map { "\($0.seconds): \($0.reason)." } ?? ""
  }

  /// The little Markdown of the table as HTML: code between backticks, and of links their names.
  static func inline(_ text: String) -> String {
    var html = ""
    var isCode = false
    var rest = text[...]
    while let character = rest.popFirst() {
      switch character {
      case "&": html += "&amp;"
      case "<": html += "&lt;"
      case "`":
        html += isCode ? "</code>" : "<code>"
        isCode.toggle()
      case "[" where !isCode: break
      case "]" where !isCode:
        if rest.first == "(", let end = rest.firstIndex(of: ")") { rest = rest[rest.index(after: end)...] }
      default: html.append(character)
      }
    }
    return html
  }
}
