/// A subcommand's description: the source of help, man page and completions.
public struct CommandPage: Sendable {
  public let name: String
  /// What follows the name: `order|item ID`, `[SETTING]…`.
  public let usage: String
  /// One line without a full stop.
  public let summary: String
  /// Paragraphs of whole sentences.
  public let text: [String]
  /// Possible first arguments, for completions.
  public let words: [String]
  public let options: [CommandOption]

  public init(
    name: String, usage: String, summary: String, text: [String] = [], words: [String] = [],
    options: [CommandOption] = []
  ) {
    self.name = name
    self.usage = usage
    self.summary = summary
    self.text = text
    self.words = words
    self.options = options
  }
}

/// A flag of a subcommand.
public struct CommandOption: Sendable {
  /// Without its hyphens.
  public let name: String
  /// The placeholder for the value; nil for a switch, which has none.
  public let placeholder: String?
  public let summary: String
  public let details: String
  public let completion: SettingType.Completion
  public let group: String

  public init(
    _ name: String, _ placeholder: String?, _ summary: String, details: String = "",
    completion: SettingType.Completion = .nothing, group: String = "Options"
  ) {
    self.name = name
    self.placeholder = placeholder
    self.summary = summary
    self.details = details
    self.completion = completion
    self.group = group
  }

  /// Every setting as a flag.
  public static let settings: [CommandOption] = SettingsTable.all.map { setting in
    let value = setting.defaultValue.isEmpty ? "none" : setting.defaultValue
    let facts = "Default: \(value). Range: \(setting.range). Environment: \(setting.variable)."
    return CommandOption(
      setting.name, setting.placeholder, setting.summary,
      details: setting.details.isEmpty ? facts : "\(setting.details) \(facts)", completion: setting.completion,
      group: setting.group.rawValue)
  }

  public var flag: String { "--\(name)" }

  /// The flag with its value's placeholder.
  var usage: String { placeholder.map { "\(flag) \($0)" } ?? flag }
}

/// The program's exit codes.
public enum ExitCode: Int32, CaseIterable, Sendable {
  case success = 0
  case failure = 1
  case usage = 2
  case cutShort = 3
  /// `EX_IOERR` of sysexits.h.
  case diskFailed = 74

  public var meaning: String {
    switch self {
    case .success: "success"
    case .failure: "it failed, or what it examined is not sound; standard error says why"
    case .usage: "the command line or a setting is wrong; nothing was done"
    case .cutShort: "a second SIGTERM or SIGINT ended the server immediately; the next start recovers from the log"
    case .diskFailed:
      "the log or the store of a data folder could not be written; the next start recovers what is there"
    }
  }
}
