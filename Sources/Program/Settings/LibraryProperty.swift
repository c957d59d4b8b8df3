/// The names of librdkafka's settings where Kassa's own are written.
enum LibraryProperty {
  /// librdkafka's name of a variable or of a line in a settings file: `sasl.password` for `KASSA_RDKAFKA_SASL_PASSWORD`
  /// and for `rdkafka.sasl.password`; nil for any other.
  static func name(of text: String) -> String? {
    if let name = behind(SettingsTable.propertyPrefix, in: text) { return name }
    return behind(SettingsTable.propertyVariablePrefix, in: text)?.lowercased().replacing("_", with: ".")
  }

  /// The variable that sets it.
  static func variable(of name: String) -> String {
    SettingsTable.propertyVariablePrefix + name.uppercased().replacing(".", with: "_")
  }

  private static func behind(_ prefix: String, in text: String) -> String? {
    text.hasPrefix(prefix) && text != prefix ? String(text.dropFirst(prefix.count)) : nil
  }
}
