/// Where a value came from, strongest first: a flag overrides the environment, which overrides the file, which
/// overrides the default.
public enum SettingOrigin: Hashable, Sendable, CustomStringConvertible {
  case flag
  case environment
  case file(path: String, line: Int)
  /// A secret in its own file.
  case secretFile(path: String)
  case `default`

  public var description: String {
    switch self {
    case .flag: "flag"
    case .environment: "environment"
    case .file(let path, let line): "\(path):\(line)"
    case .secretFile(let path): "from \(path)"
    case .default: "default"
    }
  }
}

/// The settings in force, and where each came from.
public struct ResolvedSettings: Sendable {
  public internal(set) var settings = ServeSettings()
  /// By the setting's name; missing ones have their default.
  var origins: [String: SettingOrigin] = [:]
  /// By librdkafka's name.
  public fileprivate(set) var propertyOrigins: [String: SettingOrigin] = [:]

  /// Refuses to serve strangers by accident. Only servers call it: tools read the same settings but open no port.
  /// - Throws: `SettingsError` with what to do.
  public func checkServing() throws(SettingsError) {
    let problems = SettingsRelations.contradictionsOfServing(self)
    guard problems.isEmpty else { throw SettingsError(problems) }
  }

  public func origin(of setting: Setting) -> SettingOrigin { origins[setting.name] ?? .default }
}

/// Everything wrong with the settings: a sentence each, which names the setting, its value and where it came from.
public struct SettingsError: Error, Hashable, Sendable, CustomStringConvertible {
  public let problems: [String]

  init(_ problems: [String]) { self.problems = problems }

  public var description: String { problems.joined(separator: "\n") }
}

/// Combines the settings from flags, environment, file and defaults.
public struct SettingsResolver {
  var resolved = ResolvedSettings()
  var problems: [String] = []
  /// The settings to look at; nil: all.
  private let names: Set<String>?

  private init(_ names: Set<String>?) { self.names = names }

  /// - Parameters:
  ///   - arguments: flags only: `--name value` or `--name=value`.
  ///   - environment: only variables that begin with `KASSA_` count.
  ///   - readFile: the text of a file; its error's description becomes part of a sentence.
  /// - Throws: `SettingsError` with everything that is wrong, not only the first.
  public static func resolve(
    arguments: [String], environment: [String: String], readFile: (String) throws -> String
  ) throws(SettingsError) -> ResolvedSettings {
    var resolver = SettingsResolver(nil)
    return try resolver.resolve(arguments, environment, readFile)
  }

  /// Looks only at some settings: for tools that only need to know where a server is. All others are ignored, so none
  /// of them can be wrong; nor are relations between settings checked.
  ///
  /// - Parameter names: `config` is always among them.
  /// - Throws: `SettingsError` with everything that is wrong with these.
  public static func resolve(
    only names: Set<String>, arguments: [String], environment: [String: String],
    readFile: (String) throws -> String
  ) throws(SettingsError) -> ResolvedSettings {
    var resolver = SettingsResolver(names.union(["config"]))
    return try resolver.resolve(arguments, environment, readFile)
  }

  private mutating func resolve(
    _ arguments: [String], _ environment: [String: String], _ readFile: (String) throws -> String
  ) throws(SettingsError) -> ResolvedSettings {
    // Later ones win, so the weakest source comes first. The file's name comes from the others, so these are read
    // before it.
    let flags = flags(arguments)
    let variables = variables(environment)
    if let path = (flags["config"] ?? variables["config"]), !path.isEmpty { takeFile(path, readFile) }
    for setting in SettingsTable.all where isLookedAt(setting) {
      if let value = variables[setting.name] { take(value, for: setting, from: .environment) }
      if let value = flags[setting.name] { take(value, for: setting, from: .flag) }
    }
    if names == nil {
      takeProperties(environment)
      takeSecretFiles(readFile)
      if problems.isEmpty { problems = SettingsRelations.contradictions(resolved) }
    }
    guard problems.isEmpty else { throw SettingsError(problems) }
    return resolved
  }

  private func isLookedAt(_ setting: Setting) -> Bool {
    names?.contains(setting.name) ?? true
  }

  private mutating func flags(_ arguments: [String]) -> [String: String] {
    var values: [String: String] = [:]
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      guard argument.hasPrefix("--"), argument.count > 2 else {
        problems.append("'\(withoutValue(argument))' is not a flag: settings are written --name VALUE")
        continue
      }
      let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      let name = String(parts[0])
      guard let setting = SettingsTable.setting(named: name) else {
        problems.append(unknown("--\(name)", among: SettingsTable.all.map(\.flag)))
        // Its value, if it has one, is not another mistake.
        if parts.count == 1, let next = rest.first, !next.hasPrefix("--") { rest.removeFirst() }
        continue
      }
      if setting.isSwitch, parts.count == 1, !SettingType.switchWords.contains(rest.first ?? "") {
        rest = ["yes"] + rest
      }
      let isAlone = parts.count == 1 && rest.first?.hasPrefix("--") != false
      guard !isAlone, let value = parts.count > 1 ? String(parts[1]) : rest.popFirst() else {
        problems.append("--\(name) needs a value")
        continue
      }
      if let other = values[name], other != value {
        let both = setting.isSecret ? "with different values" : "as '\(other)' and as '\(value)'"
        problems.append("--\(name) is given twice, \(both)")
      }
      values[name] = value
    }
    return values
  }

  private mutating func variables(_ environment: [String: String]) -> [String: String] {
    var values: [String: String] = [:]
    for (variable, value) in environment.sorted(by: { $0.key < $1.key })
    where variable.hasPrefix(SettingsTable.variablePrefix) && variable != SettingsTable.faultVariable
      && LibraryProperty.name(of: variable) == nil
    {
      if let setting = SettingsTable.all.first(where: { $0.variable == variable }) {
        values[setting.name] = value
      } else if names == nil {
        problems.append(unknown(variable, among: SettingsTable.all.map(\.variable)) + " (environment)")
      }
    }
    return values
  }

  private mutating func takeFile(_ path: String, _ readFile: (String) throws -> String) {
    let text: String
    do { text = try readFile(path) } catch {
      problems.append("the settings file \(path) cannot be read: \(error)")
      return
    }
    let (lines, unreadable) = SettingsFile.read(text, path: path)
    if names == nil { problems += unreadable }
    for line in lines {
      let origin = SettingOrigin.file(path: path, line: line.number)
      if names != nil, SettingsTable.all.first(where: { $0.variable == line.name }).map(isLookedAt) != true { continue }
      if let property = LibraryProperty.name(of: line.name) {
        if let other = resolved.propertyOrigins[property] {
          problems.append("\(origin): \(line.name) is already set at \(other)")
        }
        take(line.value, forProperty: property, from: origin)
        continue
      }
      guard let setting = SettingsTable.all.first(where: { $0.variable == line.name }) else {
        problems.append("\(origin): " + unknown(line.name, among: SettingsTable.all.map(\.variable)))
        continue
      }
      if setting.name == "config" {
        problems.append("\(origin): a settings file cannot name another one")
      } else if let other = resolved.origins[setting.name] {
        problems.append("\(origin): \(line.name) is already set at \(other)")
      } else {
        take(line.value, for: setting, from: origin)
      }
    }
  }

  private mutating func take(_ value: String, for setting: Setting, from origin: SettingOrigin) {
    resolved.origins[setting.name] = origin
    guard !setting.type.read(value, &resolved.settings) else { return }
    let problem = setting.isSecret ? "has a wrong value" : "cannot be '\(value)'"
    problems.append("\(setting.name) \(problem) (\(origin)): \(setting.range)")
  }

  private mutating func takeProperties(_ environment: [String: String]) {
    for (variable, value) in environment.sorted(by: { $0.key < $1.key })
    where variable.hasPrefix(SettingsTable.propertyVariablePrefix) {
      if let name = LibraryProperty.name(of: variable) { take(value, forProperty: name, from: .environment) }
    }
  }

  private mutating func take(_ value: String, forProperty name: String, from origin: SettingOrigin) {
    resolved.settings.cluster.kafkaProperties[name] = value
    resolved.propertyOrigins[name] = origin
  }

  /// The part after an equals sign may belong to a secret written without quotes.
  private func withoutValue(_ text: String) -> String {
    text.firstIndex(of: "=").map { "\(text[...$0])…" } ?? text
  }

  private func unknown(_ name: String, among names: [String]) -> String {
    let hint = NearestName.of(name, among: names).map { "; did you mean \($0)?" } ?? ""
    return "no setting is called \(name)\(hint)"
  }
}
