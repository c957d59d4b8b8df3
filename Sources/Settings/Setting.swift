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
  /// The only mode that it means something in; nil: both.
  public let mode: ServingMode?

  /// - Parameter mode: nil: the only mode of the group, if that has one.
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

  /// What stands for the value in help texts.
  public var placeholder: String { type.placeholder }

  /// What the value may be, in words.
  public var range: String { type.range }

  public var completion: SettingType.Completion { type.completion }

  /// Whether its flag may stand without a value.
  public var isSwitch: Bool { type.isSwitch }

  /// Whether the value must never be shown.
  var isSecret: Bool { type.isSecret }

  /// The setting that names a file with this one's value; nil where the value is no secret.
  var fileSetting: Setting? { isSecret ? SettingsTable.setting(named: name + SettingsTable.fileSuffix) : nil }

  /// The value in given settings, as it could be written in a flag; of a secret only that there is one.
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

  /// The only mode that its settings mean something in; nil: both.
  var mode: ServingMode? {
    switch self {
    case .cluster, .kafka, .servers: .cluster
    case .mode, .endpoints, .callers, .data, .requests, .rules, .memory, .operation: nil
    }
  }
}
