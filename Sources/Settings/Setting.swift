/// One line of the settings table: from it follow flag, environment variable, help, completions and documentation.
public struct Setting: Sendable {
  /// Lower case with hyphens, unit left out: `request-deadline`.
  public let name: String
  public let group: SettingGroup
  let type: SettingType
  /// One line without a full stop.
  public let summary: String
  /// More, where there is more to know; whole sentences.
  public let details: String

  init(_ name: String, _ group: SettingGroup, _ type: SettingType, _ summary: String, _ details: String = "") {
    self.name = name
    self.group = group
    self.type = type
    self.summary = summary
    self.details = details
  }

  public var flag: String { "--\(name)" }

  /// The name in the environment and in a settings file.
  public var variable: String { SettingsTable.variablePrefix + name.uppercased().replacing("-", with: "_") }

  /// What stands for the value in help texts.
  public var placeholder: String { type.placeholder }

  /// What the value may be, in words.
  public var range: String { type.range }

  public var completion: SettingType.Completion { type.completion }

  /// The value in given settings, as it could be written in a flag.
  public func value(in settings: ServeSettings) -> String { type.show(settings) }

  public var defaultValue: String { value(in: ServeSettings()) }
}

/// The chapters of the settings' documentation, in their order.
public enum SettingGroup: String, CaseIterable, Sendable {
  case endpoints = "Endpoints"
  case data = "Data and threads"
  case requests = "Limits of requests"
  case rules = "Rules of the shop"
  case memory = "Memory, log and checkpoints"
  case operation = "Operation"
}
