import Testing

@testable import Settings

@Suite struct SettingsFileTests {
  @Test(arguments: [
    ("A=b", "b"), ("A=", ""), ("  A = b c  ", "b c"), ("export A=b", "b"), ("A=b # c", "b"), ("A=b#c", "b#c"),
    ("A='b # c'", "b # c"), ("A=\"b \\\" \\\\ c\"", "b \" \\ c"), ("A='b\\c' # d", "b\\c"), ("A=b=c", "b=c"),
    ("A=\"\"", ""), ("A=#c", ""),
  ])
  func values(_ text: String, _ value: String) {
    let (lines, problems) = SettingsFile.read(text, path: "f")
    #expect(lines == [SettingsFile.Line(number: 1, name: "A", value: value)] && problems.isEmpty)
  }

  @Test func passesOverCommentsAndEmptyLines() {
    let (lines, problems) = SettingsFile.read("\n# A=1\r\n  \nB=2\r\n", path: "f")
    #expect(lines == [SettingsFile.Line(number: 4, name: "B", value: "2")] && problems.isEmpty)
  }

  @Test(arguments: ["A", "=b", "A='b", "A=\"b", "A=\"b\\", "A='b'c", "A=\"b\" c"])
  func unreadable(_ text: String) {
    let (lines, problems) = SettingsFile.read("B=1\n" + text, path: "etc/f.env")
    #expect(lines.count == 1 && problems.count == 1 && problems.allSatisfy { $0.hasPrefix("etc/f.env:2: ") })
  }
}
