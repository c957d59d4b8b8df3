import Foundation
import Testing

@testable import Settings

@Suite struct TableTests {
  @Test func namesAreUniqueAndWellFormed() {
    #expect(Set(SettingsTable.all.map(\.name)).count == SettingsTable.all.count)
    for setting in SettingsTable.all {
      #expect(setting.name.allSatisfy { $0.isLowercase || $0 == "-" }, "\(setting.name)")
      #expect(!setting.summary.hasSuffix(".") && setting.summary.first?.isUppercase == false, "\(setting.name)")
      #expect(setting.details.isEmpty || setting.details.hasSuffix("."), "\(setting.name)")
      #expect(setting.variable == "KASSA_" + setting.name.uppercased().replacing("-", with: "_"))
    }
  }

  @Test func everyFieldHasItsSetting() {
    let fields =
      Mirror(reflecting: ServeSettings()).children.count + Mirror(reflecting: ClusterSettings()).children.count
    // `cluster` itself, and what librdkafka is told, have no line of their own.
    #expect(fields - 2 == SettingsTable.all.count)
  }

  @Test func everyDefaultIsInItsRangeAndReadsBack() {
    for setting in SettingsTable.all where !setting.defaultValue.isEmpty {
      var settings = ServeSettings()
      #expect(setting.type.read(setting.defaultValue, &settings), "\(setting.name)")
      #expect(settings == ServeSettings(), "\(setting.name)")
    }
  }

  @Test func everySettingChangesItsOwnFieldOnly() {
    let samples = [
      "HOST:PORT": ["a:1"], "HOST:PORT,…": ["a:1,b:2"], "FOLDER": ["x"], "FILE": ["x"], "COUNT": ["7"], "TEXT": ["x"],
      "SIZE": ["2048B", "2MiB"], "TIME": ["7ms", "1234ms", "1234567ms", "77h"], "CONNINFO": ["x"], "URL": ["x"],
      "HOST,…": ["a,b"], "ORIGIN,…": ["https://a,http://b:1"],
    ]
    for setting in SettingsTable.all {
      var settings = ServeSettings()
      let words = setting.placeholder.split(separator: "|").map(String.init)
      let values = samples[setting.placeholder] ?? [words.last { $0 != setting.defaultValue } ?? ""]
      guard values.contains(where: { setting.type.read($0, &settings) }) else {
        Issue.record("\(setting.name) does not take \(values)")
        continue
      }
      let changed = SettingsTable.all.filter { $0.value(in: settings) != $0.defaultValue }
      #expect(changed.map(\.name) == [setting.name])
    }
  }

  @Test func theDocumentedPageIsTheTables() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let page = try String(contentsOf: root.appending(path: "docs/settings.md"), encoding: .utf8)
    #expect(page == SettingsPage.markdown, "kassa settings --page > docs/settings.md")
  }

  @Test(
    arguments: [
      ("srve", "serve"), ("SERVE", "serve"), ("sevre", "serve"), ("bnch", "bench"), ("xyz", nil), ("", nil),
      ("--htpp", nil),
    ] as [(String, String?)])
  func nearestNames(_ word: String, _ name: String?) {
    #expect(NearestName.of(word, among: ["serve", "bench", "settings"]) == name)
  }

  @Test func noNameIsNearToALongWord() {
    #expect(NearestName.of(String(repeating: "a", count: 1_000_000), among: ["aa"]) == nil)
  }
}
