extension ResolvedSettings {
  private struct Row {
    let name: String
    /// Empty if there is none.
    let value: String
    let origin: String
    let variable: String
  }

  /// The table's settings, then librdkafka's.
  private var rows: [Row] {
    let settings = SettingsTable.all.map { setting in
      Row(
        name: setting.name, value: setting.value(in: self.settings), origin: origin(of: setting).description,
        variable: setting.variable)
    }
    let properties = propertyOrigins.sorted { $0.key < $1.key }.map { name, origin in
      Row(
        name: SettingsTable.propertyPrefix + name, value: SettingType.hidden, origin: origin.description,
        variable: LibraryProperty.variable(of: name))
    }
    return settings + properties
  }

  /// `kassa settings`: name, value and origin, in columns. Secrets are hidden.
  public var table: String {
    let rows = rows
    let names = rows.map(\.name.count).max() ?? 0
    let values = rows.map { max($0.value.count, 1) }.max() ?? 0
    func padded(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: width - text.count) }
    return rows.map { row in
      let value = row.value.isEmpty ? "-" : row.value
      return "\(padded(row.name, names))  \(padded(value, values))  \(row.origin)\n"
    }.joined()
  }

  /// `kassa settings --json`: an object per setting, values as they would be written in a flag, secrets hidden; null if
  /// there is none.
  public var json: String {
    let lines = rows.map { row in
      "  {\"name\":\(jsonText(row.name)),\"value\":\(row.value.isEmpty ? "null" : jsonText(row.value)),"
        + "\"origin\":\(jsonText(row.origin)),\"variable\":\(jsonText(row.variable))}"
    }
    return "[\n\(lines.joined(separator: ",\n"))\n]\n"
  }

  private func jsonText(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\u{0}"..."\u{1F}":
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
