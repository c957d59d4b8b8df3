/// The state of a server, or of another pod, at one look.
struct ServerState: Hashable, Sendable {
  /// As messages name it.
  let name: String
  let isWell: Bool
  /// Why it is unavailable; empty while it is available.
  let reason: String

  init(_ name: String, isWell: Bool, reason: String = "") {
    self.name = name
    self.isWell = isWell
    self.reason = isWell ? "" : reason
  }
}

/// Picks from successive looks what deserves a log line: that a server is unavailable, and why; that it is back.
/// Trouble is /// reported once two looks in a row found it: a connection still being made does not count.
struct ServerNews {
  private var seen: [String: ServerState] = [:]
  /// Those in trouble, as reported.
  private var reported: [String: ServerState] = [:]

  /// What has changed. Servers that are missing are forgotten.
  mutating func changes(_ states: [ServerState]) -> [ServerState] {
    var changes: [ServerState] = []
    for state in states {
      if state.isWell {
        if reported.removeValue(forKey: state.name) != nil { changes.append(state) }
      } else if seen[state.name] == state, reported[state.name] != state {
        reported[state.name] = state
        changes.append(state)
      }
    }
    seen = Dictionary(states.map { ($0.name, $0) }, uniquingKeysWith: { $1 })
    reported = reported.filter { seen[$0.key] != nil }
    return changes
  }
}
