import Testing

@testable import Settings

@Suite struct ManualTests {
  private let manual = Manual(
    version: "1.2.3", date: "2026-01-02",
    pages: [
      CommandPage(
        name: "look", usage: "this|that", summary: "look at it", text: [".dots and back\\slashes"],
        words: ["this", "that"],
        options: [
          CommandOption("data", "FOLDER", "where it's", completion: .folders),
          CommandOption("how", "a|b", "way", completion: .words(["a", "b"]), group: "More"),
          CommandOption("json", nil, "write [JSON]: all", details: "For programs."),
        ])
    ])

  @Test func overview() {
    #expect(manual.overview.contains("\n  look  look at it\n") && manual.overview.contains("\n  2   the command line"))
  }

  @Test func help() {
    #expect(
      manual.help(manual.pages[0]) == """
        kassa look — look at it

        Usage: kassa look this|that

        .dots and back\\slashes

        Options:
          --data FOLDER
              Where it's.
          --json
              Write [JSON]: all. For programs.

        More:
          --how a|b
              Way.

        """)
  }

  @Test func manPageEscapes() {
    #expect(manual.manPage.contains("\n\\&.dots and back\\eslashes\n"))
    #expect(manual.manPage.contains("\n.B \\-\\-data FOLDER\nWhere it's.\n"))
    #expect(!manual.manPage.contains("…"))
  }

  @Test func everySettingIsInHelpManPageAndCompletions() {
    let page = CommandPage(name: "serve", usage: "", summary: "serve", options: CommandOption.settings)
    let manual = Manual(version: "1", date: "2026-01-02", pages: [page])
    let texts =
      [manual.help(page), manual.manPage.replacing("\\-", with: "-")] + Shell.allCases.map(manual.completions)
    for setting in SettingsTable.all {
      for text in texts { #expect(text.contains("--\(setting.name)") || text.contains("-l \(setting.name) ")) }
    }
  }
}
