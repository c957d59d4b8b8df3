/// One line of the settings table: the source of flag, environment variable, help, completions and documentation.
public struct Setting: Sendable {
  /// Lower case with hyphens, unit left out: `request-deadline`.
  public let name: String
  public let group: SettingGroup
  let type: SettingType
  /// One line without a full stop.
  public let summary: String
  /// More information, if there is any; whole sentences.
  public let details: String
  /// The only mode in which it has a meaning; nil: both.
  public let mode: ServingMode?

  /// - Parameter mode: nil: the group's only mode, if it has one.
  init(
    _ name: String, _ group: SettingGroup, _ type: SettingType, _ summary: String, _ details: String = "",
    in mode: ServingMode? = nil
  ) {
    self.name = name
    self.group = group
    self.type = type
    self.summary = summary
    self.details = details
    self.mode = mode ?? group.mode
  }

  public var flag: String { "--\(name)" }

  /// The name in the environment and in a settings file.
  public var variable: String { SettingsTable.variablePrefix + name.uppercased().replacing("-", with: "_") }

  /// The placeholder for the value in help texts.
  public var placeholder: String { type.placeholder }

  /// The valid values, in words.
  public var range: String { type.range }

  public var completion: SettingType.Completion { type.completion }

  /// Whether its flag may be given without a value.
  public var isSwitch: Bool { type.isSwitch }

  /// Whether the value must never be shown.
  var isSecret: Bool { type.isSecret }

  /// The setting that names a file with this one's value; nil if the value is not a secret.
  var fileSetting: Setting? { isSecret ? SettingsTable.setting(named: name + SettingsTable.fileSuffix) : nil }

  /// The value in given settings, as it would be written in a flag; for a secret only whether there is one.
  public func value(in settings: ServeSettings) -> String { type.show(settings) }

  public var defaultValue: String { value(in: ServeSettings()) }
}

/// The chapters of the settings' documentation, in their order.
public enum SettingGroup: String, CaseIterable, Sendable {
  case mode = "Mode"
  case endpoints = "Endpoints"
  case callers = "Callers"
  case data = "Data and threads"
  case requests = "Limits of requests"
  case rules = "Rules of the shop"
  case memory = "Memory, log and checkpoints"
  case operation = "Operation"
  case cluster = "Pods of a cluster"
  case kafka = "Kafka"
  case servers = "PostgreSQL and Redis"

  /// The only mode in which its settings have a meaning; nil: both.
  var mode: ServingMode? {
    switch self {
    case .cluster, .kafka, .servers: .cluster
    case .mode, .endpoints, .callers, .data, .requests, .rules, .memory, .operation: nil
    }
  }
}
