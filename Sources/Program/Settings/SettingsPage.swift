/// The page of documentation that describes the settings.
public enum SettingsPage {
  public static var markdown: String {
    var lines = [
      "# Settings", "",
      "`kassa settings --page` generates this page from the table in",
      "`Sources/Program/Settings/SettingsTable.swift`.",
      "",
      "A setting can be given as a flag of `kassa serve`, as a variable of the environment, or as a line",
      "`NAME=VALUE` of the file that `config` names. A flag overrides the environment, which overrides the file, which",
      "overrides the default. `kassa settings` shows the values in force and where each came from. Misspelt names,",
      "values out of range and values that contradict each other are all refused at the start, by name.",
    ]
    for group in SettingGroup.allCases {
      lines += ["", "## \(group.rawValue)"]
      for setting in SettingsTable.all where setting.group == group {
        let value = setting.defaultValue.isEmpty ? "none" : "`\(setting.defaultValue)`"
        lines += [
          "", "### \(setting.name)", "",
          "\(sentence(setting.summary)) \(setting.details)".trimmingTrailingSpace, "",
          "| flag | variable | default | range |", "|---|---|---|---|",
          "| `\(usage(setting))` | `\(setting.variable)` | \(value) | \(setting.range) |",
        ]
      }
    }
    lines += ["", "## What must fit together", ""]
    lines += SettingsRelations.rules.map { "* \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The flag and its placeholder, as a table's cell.
  private static func usage(_ setting: Setting) -> String {
    "\(setting.flag) \(setting.placeholder.replacing("|", with: "\\|"))"
  }
}

extension String {
  fileprivate var trimmingTrailingSpace: String { hasSuffix(" ") ? String(dropLast()) : self }
}
