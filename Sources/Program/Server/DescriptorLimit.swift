import Glibc

/// How many files and sockets the process may have open, and how many of them remain for clients.
public enum DescriptorLimit {
  /// What everything except the clients' connections may need: connections refused as too many, the operator port's,
  /// log and store, lanes, brokers, databases, other pods.
  public static let reserve = 512
  /// With fewer connections a server makes no sense.
  static let connectionsMin = 16

  /// Raises the soft limit to the hard one, the most an unprivileged process may. Returns the limit in force.
  public static func raise() -> Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return Int.max }
    var raised = limit
    raised.rlim_cur = limit.rlim_max
    if setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) == 0 { limit = raised }
    return Int(clamping: limit.rlim_cur)
  }

  /// The limit that leaves room for this many connections.
  public static func needed(forConnections count: Int) -> Int { count + reserve }

  /// How many of the wanted connections a limit leaves room for.
  /// - Throws: `ConfigurationError` if it leaves room for almost none.
  public static func connections(wanted: Int, limit: Int) throws(ConfigurationError) -> Int {
    let room = limit - reserve
    guard room >= min(wanted, connectionsMin) else {
      throw ConfigurationError(
        "the process may have \(limit) descriptors and needs \(reserve + min(wanted, connectionsMin)) at least, "
          + "\(needed(forConnections: wanted)) for connections-max: raise the limit (ulimit -Hn, LimitNOFILE)")
    }
    return min(wanted, room)
  }
}
