import Model

/// The tables, as the steps that create them. A released step never changes: new ones are added after it.
enum Schema {
  static let steps: [[String]] = [
    [
      """
      CREATE TABLE kassa.identity (
        is_whole boolean PRIMARY KEY DEFAULT true CHECK (is_whole), cluster text NOT NULL, service text NOT NULL,
        partition_count int4 NOT NULL, created_at timestamptz NOT NULL DEFAULT now())
      """,
      """
      CREATE TABLE kassa.checkpoints (
        partition int2 PRIMARY KEY, epoch int8 NOT NULL, turn int8 NOT NULL, log_offset int8, header bytea,
        written_at timestamptz) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05)
      """,
      // Bodies change but indexed columns do not: with room in the page an update touches no index.
      """
      CREATE TABLE kassa.entities (
        partition int2 NOT NULL, kind int2 NOT NULL, key text COLLATE "C" NOT NULL, expiry int8,
        log_offset int8 NOT NULL, body bytea NOT NULL, PRIMARY KEY (partition, kind, key))
      WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.1)
      """,
      "CREATE INDEX expiries ON kassa.entities (partition, expiry) WHERE expiry IS NOT NULL",
    ],
    [
      """
      CREATE TABLE kassa.quarantined (
        partition int2 NOT NULL, log_offset int8 NOT NULL, note text NOT NULL,
        made_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (partition, log_offset))
      """
    ],
    [
      """
      CREATE TABLE kassa.outbox (
        partition int2 NOT NULL, destination int2 NOT NULL, number int8 NOT NULL, body bytea NOT NULL,
        PRIMARY KEY (partition, destination, number)) WITH (autovacuum_vacuum_scale_factor = 0.05)
      """,
      """
      CREATE TABLE kassa.replies (
        partition int2 NOT NULL, place int8 NOT NULL, body bytea NOT NULL, PRIMARY KEY (partition, place))
      WITH (autovacuum_vacuum_scale_factor = 0.05)
      """,
      // Records are now identified by their numbers, and no earlier offset denotes one.
      "DELETE FROM kassa.quarantined",
      "ALTER TABLE kassa.quarantined RENAME COLUMN log_offset TO number",
    ],
  ]

  /// The version that this program reads and writes.
  static var version: Int { steps.count }

  /// The oldest version whose rows have today's meaning. Before it several pods wrote to a partition's topic, and
  /// checkpoints counted its offsets: none of that can be carried over.
  static let oldestVersion = 3

  /// The database's advisory lock for "somebody changes Kassa's tables".
  static let lock: (Int32, Int32) = (0x4b61_7373, 1)

  /// What a database says about itself.
  struct State: Equatable {
    /// 0 if there is nothing of Kassa's.
    var version: Int64 = 0
    var cluster: String?
    var service: String?
    var partitionCount: Int64?
  }

  /// Creates what is missing and checks which Kassa the database belongs to.
  ///
  /// Two callers at the same time perform each step once: the second waits for the first one's lock, and looks again.
  /// - Parameter steps: tests pass others.
  /// - Throws: `foreign` if the database belongs to another Kassa or a newer version; `lost`; `refused`.
  static func prepare(
    _ connection: Connection, service: Service, _ identity: PostgresIdentity, steps: [[String]] = Self.steps
  ) throws(PostgresFailure) {
    let found = try state(connection)
    try check(found, service, identity, newest: steps.count)
    if found.version == steps.count, found.cluster != nil { return }
    try connection.perform { connection throws(PostgresFailure) in
      try connection.send(text: "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE")
      try connection.send(text: "SELECT pg_advisory_xact_lock(\(lock.0), \(lock.1))")
    }
    let now = try state(connection)
    try check(now, service, identity, newest: steps.count)
    try connection.perform { connection throws(PostgresFailure) in
      try migrate(connection, from: Int(clamping: now.version), steps)
      if now.cluster == nil {
        var parameters = Parameters()
        parameters.add(identity.cluster)
        parameters.add("\(service.name)")
        parameters.add(Int32(clamping: identity.partitionCount))
        try connection.send(
          text: "INSERT INTO kassa.identity (cluster, service, partition_count) VALUES ($1::text, $2::text, $3::int4)",
          parameters)
      }
      try connection.send(text: "COMMIT")
    }
  }

  private static func migrate(
    _ connection: Connection, from version: Int, _ steps: [[String]]
  ) throws(PostgresFailure) {
    if version == 0 {
      // An operator may have created the schema for a role that may not.
      let isThere = "EXISTS (SELECT FROM pg_namespace WHERE nspname = 'kassa')"
      try connection.send(text: "DO $$ BEGIN IF NOT \(isThere) THEN CREATE SCHEMA kassa; END IF; END $$")
      let columns = "version int8 PRIMARY KEY, made_at timestamptz NOT NULL DEFAULT now()"
      try connection.send(text: "CREATE TABLE kassa.schema_versions (\(columns))")
    }
    for (place, step) in steps.enumerated().dropFirst(version) {
      for statement in step { try connection.send(text: statement) }
      try connection.send(text: "INSERT INTO kassa.schema_versions (version) VALUES (\(place + 1))")
    }
  }

  /// - Throws: `foreign`.
  static func check(
    _ found: State, _ service: Service, _ identity: PostgresIdentity, newest: Int
  ) throws(PostgresFailure) {
    guard found.version <= newest else {
      throw .foreign(
        "the database has schema \(found.version), and this program knows schemas up to \(newest); "
          + "run the version of Kassa that made it, or a newer one")
    }
    if found.version == 0 { return }
    guard found.version >= oldestVersion else {
      throw .foreign(
        "the database has schema \(found.version), of a build in which several pods wrote to a partition; it cannot be "
          + "upgraded: start with new topics and an empty database")
    }
    guard let cluster = found.cluster, let name = found.service, let count = found.partitionCount else {
      throw .foreign("the database has Kassa's tables and does not say whose they are; restore it from its backup")
    }
    guard cluster == identity.cluster else {
      throw .foreign(
        "the database belongs to the cluster '\(cluster)', not to '\(identity.cluster)'; name this cluster's database, "
          + "or the brokers that it belongs to")
    }
    guard name == "\(service.name)" else {
      throw .foreign("the database belongs to the service '\(name)', not to '\(service.name)'; each has its own")
    }
    guard count == identity.partitionCount else {
      throw .foreign(
        "the database was made with \(count) partitions, not \(identity.partitionCount); "
          + "set it to \(count), or give the shop more with kassa grow")
    }
  }

  /// - Throws: `lost`, `refused`.
  static func state(_ connection: Connection) throws(PostgresFailure) -> State {
    let isVersions = "tablename = 'schema_versions'"
    var isThere = false
    try connection.perform(
      send: { connection throws(PostgresFailure) in
        // Not with `to_regclass`: within a transaction it may remember that there was none.
        try connection.send(text: "SELECT tablename::text FROM pg_tables WHERE schemaname = 'kassa' AND \(isVersions)")
      }, each: { _, rows in isThere = rows.text(0, 0) != nil })
    guard isThere else { return State() }
    var state = State()
    try connection.perform(
      send: { connection throws(PostgresFailure) in
        try connection.send(text: "SELECT max(version) FROM kassa.schema_versions")
        try connection.send(text: "SELECT cluster, service, partition_count::int8 FROM kassa.identity")
      },
      each: { statement, rows in
        if statement == 0 {
          state.version = rows.bigint(0, 0) ?? 0
        } else {
          state.cluster = rows.text(0, 0)
          state.service = rows.text(0, 1)
          state.partitionCount = rows.bigint(0, 2)
        }
      })
    return state
  }
}
