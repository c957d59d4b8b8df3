import Model

/// Prepares a connection for work: settings, the database's identity, statements.
enum Session {
  static func open(
    _ target: ConnectionString, _ service: Service, _ identity: PostgresIdentity, _ options: PostgresOptions
  ) throws(PostgresFailure) -> Connection {
    let connection = try Connection(target, options)
    try setUp(connection, options, idleMilliseconds: options.idleMillisecondsMax)
    try Schema.prepare(connection, service: service, identity)
    try prepareStatements(connection)
    return connection
  }

  /// A connection for tools, to a database of any cluster; the schema is not upgraded.
  static func openForReading(
    _ target: ConnectionString, _ service: Service, _ options: PostgresOptions
  ) throws(PostgresFailure) -> (Connection, PostgresIdentity) {
    let connection = try Connection(target, options)
    try setUp(connection, options, idleMilliseconds: options.statementMillisecondsMax)
    let state = try Schema.state(connection)
    guard state.version > 0 else { throw .foreign("the database holds no Kassa data") }
    let identity = PostgresIdentity(
      cluster: state.cluster ?? "", partitionCount: Int(clamping: state.partitionCount ?? 0))
    try Schema.check(state, service, identity, newest: Schema.version)
    guard state.version == Schema.version else {
      throw .foreign("the database has schema \(state.version), older than \(Schema.version); start a pod first")
    }
    try prepareStatements(connection)
    return (connection, identity)
  }

  private static func prepareStatements(_ connection: Connection) throws(PostgresFailure) {
    try connection.perform { connection throws(PostgresFailure) in
      for statement in Statement.allCases { try connection.prepare(statement) }
    }
  }

  private static func setUp(
    _ connection: Connection, _ options: PostgresOptions, idleMilliseconds: Int
  ) throws(PostgresFailure) {
    var facts: (version: Int64, encoding: String, isStandby: Bool)?
    try connection.perform(
      send: { connection throws(PostgresFailure) in
        for (name, value) in settings(options, idleMilliseconds) {
          try connection.send(text: "SELECT set_config('\(name)', '\(value)', false)")
        }
        // A commit that a server crash can undo would let an old owner write again.
        try connection.send(
          text: """
            SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'
            """)
        try connection.send(
          text: """
            SELECT current_setting('server_version_num')::int8, current_setting('server_encoding'),
              pg_is_in_recovery()::int4::int8
            """)
      },
      each: { _, rows in
        guard let version = rows.bigint(0, 0), let encoding = rows.text(0, 1), let standby = rows.bigint(0, 2)
        else { return }
        facts = (version, encoding, standby != 0)
      })
    guard let facts else { throw .lost("the server does not report its version") }
    guard facts.version >= serverVersionMin else {
      throw .foreign("the server has version \(facts.version / 10_000); Kassa needs \(serverVersionMin / 10_000)")
    }
    guard facts.encoding == "UTF8" else {
      throw .foreign("the database's encoding is \(facts.encoding); create it with ENCODING 'UTF8'")
    }
    // Its rows, and so the epoch, may be old.
    if facts.isStandby { throw .lost("the server is a standby; Kassa needs the primary") }
  }

  private static let serverVersionMin: Int64 = 130_000

  /// The session's settings by name. Every statement finds its rows by key: a plan that reads whole tables, made while
  /// they were small, must not be kept when they are large.
  private static func settings(_ options: PostgresOptions, _ idleMilliseconds: Int) -> [(String, String)] {
    [
      ("statement_timeout", "\(options.statementMillisecondsMax)"),
      ("lock_timeout", "\(options.lockMillisecondsMax)"),
      ("idle_in_transaction_session_timeout", "\(idleMilliseconds)"),
      ("tcp_keepalives_idle", "5"), ("tcp_keepalives_interval", "2"), ("tcp_keepalives_count", "3"),
      ("tcp_user_timeout", "15000"),
      ("enable_seqscan", "off"), ("enable_hashjoin", "off"), ("enable_mergejoin", "off"), ("jit", "off"),
      ("plan_cache_mode", "force_generic_plan"),
    ]
  }
}
