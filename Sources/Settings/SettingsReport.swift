extension ResolvedSettings {
  /// `kassa settings`: name, value and origin, in columns.
  public var table: String {
    let rows = SettingsTable.all.map { ($0.name, shown($0), origin(of: $0).description) }
    let names = rows.map(\.0.count).max() ?? 0
    let values = rows.map(\.1.count).max() ?? 0
    func padded(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: width - text.count) }
    return rows.map { "\(padded($0.0, names))  \(padded($0.1, values))  \($0.2)\n" }.joined()
  }

  /// `kassa settings --json`: an object a setting, values as they would be written in a flag; null where there is none.
  public var json: String {
    let rows = SettingsTable.all.map { setting in
      let value = setting.value(in: settings)
      return "  {\"name\":\(jsonText(setting.name)),\"value\":\(value.isEmpty ? "null" : jsonText(value)),"
        + "\"origin\":\(jsonText(origin(of: setting).description)),\"variable\":\(jsonText(setting.variable))}"
    }
    return "[\n\(rows.joined(separator: ",\n"))\n]\n"
  }

  private func shown(_ setting: Setting) -> String {
    let value = setting.value(in: settings)
    return value.isEmpty ? "-" : value
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
