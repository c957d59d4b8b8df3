import Problems
import Settings

/// `kassa problems`
enum ProblemsCommand {
  static let page = CommandPage(
    name: "problems", usage: "[CODE]…", summary: "explain the codes with which requests are refused",
    text: ["Writes Markdown: the whole page of documentation, or what it says about the codes that are named."],
    words: ProblemCode.allCases.map(\.rawValue))

  static let command = Command(page: page) { arguments, program in
    let names = try Arguments(arguments, of: page).rest
    let sections = try names.map { name in
      guard let code = ProblemCode(rawValue: name) else {
        let near = NearestName.of(name, among: ProblemCode.allCases.map(\.rawValue))
        throw UsageError("there is no problem '\(name)'" + (near.map { "; did you mean \($0)?" } ?? ""))
      }
      return ProblemsPage.section(code)
    }
    program.console.say(names.isEmpty ? ProblemsPage.markdown : sections.joined(separator: "\n"))
    return .success
  }
}
