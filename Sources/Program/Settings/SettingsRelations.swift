/// What must hold between settings.
enum SettingsRelations {
  /// For the documentation.
  static let rules =
    (relations + serving).map(\.rule) + [
      "In embedded mode no settings of the chapters \(chapters(of: .cluster)) may be given, nor any of librdkafka's; "
        + "in cluster mode none of \(names(of: .embedded))."
    ]

  struct Relation: Sendable {
    /// A sentence.
    let rule: String
    /// The settings whose values are shown if it does not hold.
    let names: [String]
    let holds: @Sendable (ServeSettings) -> Bool

    init(_ rule: String, _ names: [String], holds: @escaping @Sendable (ServeSettings) -> Bool) {
      self.rule = rule
      self.names = names
      self.holds = holds
    }

    static func ascending(
      _ lower: String, _ upper: String, in mode: ServingMode? = nil,
      _ values: @escaping @Sendable (ServeSettings) -> (Int64, Int64)
    ) -> Relation {
      Relation("`\(lower)` must not exceed `\(upper)`.", [lower, upper]) { settings in
        let (low, high) = values(settings)
        return low <= high || mode.map { $0 != settings.mode } ?? false
      }
    }
  }

  private static let relations: [Relation] = general + cluster

  private static let general: [Relation] = [
    Relation("`tls-certificate` and `tls-key` need each other.", ["tls-certificate", "tls-key"]) {
      ($0.tlsCertificateFile == nil) == ($0.tlsKeyFile == nil)
    },
    Relation(
      "`jwt-keys`, `jwt-issuer` and `jwt-audience` need each other.", ["jwt-keys", "jwt-issuer", "jwt-audience"]
    ) { [$0.jwtKeysFile, $0.jwtIssuer, $0.jwtAudience].count { $0 == nil } % 3 == 0 },
    Relation("`http` and `operator` must not be the same.", ["http", "operator"]) {
      $0.http.port == 0 || $0.http != $0.operatorPort
    },
    .ascending("connections-per-address-max", "connections-max") {
      (Int64($0.connectionsPerAddressMax), Int64($0.connectionsMax))
    },
    Relation(
      "`head-bytes-max` must exceed `path-bytes-max` by at least 64 bytes.", ["head-bytes-max", "path-bytes-max"]
    ) { $0.pathBytesMax + 64 <= $0.headBytesMax },
    .ascending("checkpoint-entities-due", "dirty-entities-max") {
      (Int64($0.checkpointEntitiesDue), Int64($0.dirtyEntitiesMax))
    },
    .ascending("request-deadline", "batch-deadline") { ($0.requestDeadlineMilliseconds, $0.batchDeadlineMilliseconds) },
    // A repetition after the deadline must find its key.
    .ascending("request-deadline", "idempotency-expiry") {
      ($0.requestDeadlineMilliseconds, $0.idempotencyExpiryMilliseconds)
    },
    // A repetition that gets the outcome again must find its order.
    Relation("`order-retention` must exceed `idempotency-expiry`.", ["order-retention", "idempotency-expiry"]) {
      $0.orderRetentionMilliseconds ?? .max > $0.idempotencyExpiryMilliseconds
    },
  ]

  /// Relations that matter only to a server.
  private static let serving: [Relation] = [
    Relation(
      "`http` is a loopback address, or there are `api-keys` or `jwt-keys`, or `no-authentication` says that everybody "
        + "who can reach it may do everything.", ["http", "api-keys", "jwt-keys", "no-authentication"]
    ) { $0.http.isLoopback || $0.asksCallers || $0.servesWithoutAuthentication },
    Relation(
      "`operator` is a loopback address, or there are `api-keys` or `jwt-keys`, or `no-authentication` says that "
        + "everybody who can reach it may see everything.", ["operator", "api-keys", "jwt-keys", "no-authentication"]
    ) { $0.operatorPort.isLoopback || $0.asksCallers || $0.servesWithoutAuthentication },
    Relation("`api-keys` and `no-authentication` exclude each other.", ["api-keys", "no-authentication"]) {
      $0.apiKeysFile == nil || !$0.servesWithoutAuthentication
    },
    Relation("`jwt-keys` and `no-authentication` exclude each other.", ["jwt-keys", "no-authentication"]) {
      $0.jwtKeysFile == nil || !$0.servesWithoutAuthentication
    },
  ]

  static func contradictionsOfServing(_ resolved: ResolvedSettings) -> [String] {
    contradictions(of: serving, resolved)
  }

  /// A sentence for each relation that does not hold, with the values and where they came from.
  static func contradictions(_ resolved: ResolvedSettings) -> [String] {
    let misplaced = misplaced(resolved)
    return misplaced.isEmpty ? contradictions(of: relations, resolved) : misplaced
  }

  private static func contradictions(of relations: [Relation], _ resolved: ResolvedSettings) -> [String] {
    relations.filter { !$0.holds(resolved.settings) }.map { relation in
      let values = relation.names.map { described($0, resolved) }
      return "\(relation.rule.replacing("`", with: "")) \(values.joined(separator: ", "))"
    }
  }

  private static func described(_ name: String, _ resolved: ResolvedSettings) -> String {
    guard let setting = SettingsTable.setting(named: name) else { return name }
    let value = setting.value(in: resolved.settings)
    return "\(name) is \(value.isEmpty ? "not set" : "'\(value)'") (\(resolved.origin(of: setting)))"
  }

  // MARK: Modes

  /// A sentence for each given setting without a meaning in the mode.
  private static func misplaced(_ resolved: ResolvedSettings) -> [String] {
    let mode = resolved.settings.mode
    var given = SettingsTable.all
      .filter { $0.mode != nil && $0.mode != mode && resolved.origin(of: $0) != .default }
      .map { "\($0.name) (\(resolved.origin(of: $0)))" }
    if mode == .embedded {
      given += resolved.propertyOrigins.sorted { $0.key < $1.key }
        .map { "\(SettingsTable.propertyPrefix)\($0.key) (\($0.value))" }
    }
    guard !given.isEmpty else { return [] }
    return ["Mode \(mode.rawValue) does not use \(given.joined(separator: ", ")). \(described("mode", resolved))"]
  }

  private static func chapters(of mode: ServingMode) -> String {
    SettingGroup.allCases.filter { $0.mode == mode }.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
  }

  private static func names(of mode: ServingMode) -> String {
    SettingsTable.all.filter { $0.mode == mode && $0.group.mode == nil }.map { "`\($0.name)`" }
      .joined(separator: ", ")
  }
}
