/// What must hold between settings.
enum SettingsRelations {
  /// For the documentation.
  static let rules = relations.map(\.rule)

  private struct Relation: Sendable {
    /// A sentence.
    let rule: String
    let names: (String, String)
    let holds: @Sendable (ServeSettings) -> Bool
  }

  private static let relations: [Relation] = [
    Relation(
      rule: "`tls-certificate` and `tls-key` need each other.", names: ("tls-certificate", "tls-key"),
      holds: { ($0.tlsCertificateFile == nil) == ($0.tlsKeyFile == nil) }),
    Relation(
      rule: "`http` and `operator` must not be the same.", names: ("http", "operator"),
      holds: { $0.http.port == 0 || $0.http != $0.operatorPort }),
    ascending("connections-per-address-max", "connections-max") {
      (Int64($0.connectionsPerAddressMax), Int64($0.connectionsMax))
    },
    Relation(
      rule: "`head-bytes-max` must exceed `path-bytes-max` by 64 bytes at least.",
      names: ("head-bytes-max", "path-bytes-max"), holds: { $0.pathBytesMax + 64 <= $0.headBytesMax }),
    ascending("checkpoint-entities-due", "dirty-entities-max") {
      (Int64($0.checkpointEntitiesDue), Int64($0.dirtyEntitiesMax))
    },
    ascending("request-deadline", "batch-deadline") { ($0.requestDeadlineMilliseconds, $0.batchDeadlineMilliseconds) },
    // A repetition after the deadline has to find its key.
    ascending("request-deadline", "idempotency-expiry") {
      ($0.requestDeadlineMilliseconds, $0.idempotencyExpiryMilliseconds)
    },
  ]

  private static func ascending(
    _ lower: String, _ upper: String, _ values: @escaping @Sendable (ServeSettings) -> (Int64, Int64)
  ) -> Relation {
    Relation(rule: "`\(lower)` must not exceed `\(upper)`.", names: (lower, upper)) { settings in
      let (low, high) = values(settings)
      return low <= high
    }
  }

  /// A sentence for each relation that does not hold, with the values and where they came from.
  static func contradictions(_ resolved: ResolvedSettings) -> [String] {
    relations.filter { !$0.holds(resolved.settings) }.map { relation in
      let values = [relation.names.0, relation.names.1].map { told($0, resolved) }
      return "\(relation.rule.replacing("`", with: "")) \(values.joined(separator: ", "))"
    }
  }

  private static func told(_ name: String, _ resolved: ResolvedSettings) -> String {
    guard let setting = SettingsTable.setting(named: name) else { return name }
    let value = setting.value(in: resolved.settings)
    return "\(name) is \(value.isEmpty ? "not set" : "'\(value)'") (\(resolved.origin(of: setting)))"
  }
}
