/// The one table of all settings of `kassa serve`.
public enum SettingsTable {
  /// A variable that begins like a setting but is not one: it lets tests make the disk fail on command.
  static let faultVariable = "KASSA_FAULT_FILE"
  /// The prefix of names in the environment.
  public static let variablePrefix = "KASSA_"
  /// The prefix of variables for librdkafka, in the environment and in a settings file.
  static let propertyVariablePrefix = "KASSA_RDKAFKA_"
  static let propertyPrefix = "rdkafka."
  /// The suffix of settings that name the file of a secret.
  static let fileSuffix = "-file"

  public static let all: [Setting] =
    mode + endpoints + callers + data + requests + rules + memory + operation + cluster + kafka + servers

  public static func setting(named name: String) -> Setting? { byName[name] }

  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
  private static let hour: Int64 = 3_600_000

  private static let mode: [Setting] = [
    Setting(
      "mode", .mode, .choice(\.mode), "one process with a data folder, or a pod of a cluster",
      "Settings that only pods need are in the last chapters, and are refused in embedded mode.")
  ]

  private static let endpoints: [Setting] = [
    Setting(
      "http", .endpoints, .endpoint(\.http), "where the REST API is served",
      "Port 0 takes any free one; the log shows which."),
    Setting(
      "operator", .endpoints, .endpoint(\.operatorPort), "where health, metrics and reports are served",
      "Whoever can reach it sees how the shop is doing, without a password: keep it on the machine or behind a gateway."
    ),
    Setting(
      "tls-certificate", .endpoints, .file(\.tlsCertificateFile),
      "the server's certificate chain (PEM); with it the REST API speaks TLS",
      "Needs `tls-key`. SIGHUP makes the server reload both, for new connections. The operator endpoint always "
        + "speaks plain HTTP."),
    Setting(
      "tls-key", .endpoints, .file(\.tlsKeyFile), "the private key of the certificate (PEM)", "Needs `tls-certificate`."
    ),
  ]

  private static let data: [Setting] = [
    Setting(
      "data", .data, .folder(\.dataFolder), "the folder of the log and the store",
      "It is created if it is missing, belongs to one process at a time, and remembers its format and its partitions. "
        + "Only in embedded mode.", in: .embedded),
    Setting(
      "partitions", .data, .count(1...256, \.partitions), "partitions of each service; a data folder keeps its count",
      "A data folder, a database or a topic created with another count is refused. More partitions let more lanes, and "
        + "in a cluster more pods, work at the same time."
    ),
    Setting(
      "lanes", .data, .count(1...64, or: "auto", \.lanes), "threads that serve requests and own partitions",
      "`auto` means one per two cores that the process may use, by its CPU affinity and the quotas of its cgroups "
        + "(`cpu.max`): log and store have their own threads."),
  ]

  private static let requests: [Setting] = [
    Setting(
      "connections-max", .requests, .count(1...65_536, \.connectionsMax),
      "open connections",
      "When all are in use, a new one replaces the one that has been idle longest, if that is at least a second. If "
        + "there is none, the new one gets 503 for its first request and is closed; of hundreds, some are just closed. "
        + "Lowered at the start, with a warning, if the hard limit of descriptors is less than this and 512 more."
    ),
    Setting(
      "connections-per-address-max", .requests, .count(1...65_536, \.connectionsPerAddressMax),
      "open connections from one client address",
      "When all are in use, a new one replaces the one from its address that has been idle longest, if that is at "
        + "least a second; if there is none, it is refused with 429. Behind a gateway all clients have its address: "
        + "then set this to `connections-max`."),
    Setting(
      "head-bytes-max", .requests, .bytes(1_024...64 << 10, \.headBytesMax),
      "the request line and all headers together",
      "A longer head is refused with 431."),
    Setting(
      "path-bytes-max", .requests, .bytes(256...32 << 10, \.pathBytesMax), "the path and the query",
      "A longer one is refused with 414."),
    Setting(
      "body-bytes-max", .requests, .bytes(1_024...16 << 20, \.bodyBytesMax), "a request's body",
      "A longer one is refused with 413."),
    Setting(
      "request-read-time", .requests, .duration(100...hour, \.requestReadMilliseconds),
      "how long a request may take to arrive, from its first byte to its last",
      "Then it is answered with 408 and its connection closed, however steadily bytes trickle in."),
    Setting(
      "answer-time", .requests, .duration(100...hour, \.answerMilliseconds),
      "how long a client may take to read an answer", "Then its connection is closed."),
    Setting(
      "idle-time", .requests, .duration(100...24 * hour, \.idleMilliseconds),
      "how long a connection may be silent between requests",
      "Load balancers in front should close silent connections earlier."),
    Setting(
      "request-deadline", .requests, .duration(10...hour, \.requestDeadlineMilliseconds),
      "how long a request may wait for its partition",
      "Then it is answered with 504: a command may have taken effect; repeating it with the same Idempotency-Key shows "
        + "whether it has."
    ),
    Setting(
      "batch-deadline", .requests, .duration(10...24 * hour, \.batchDeadlineMilliseconds),
      "how long a batch_init request may wait for its partitions"),
    Setting(
      "pending-requests-max", .requests, .count(1...1_048_576, \.pendingRequestsMax),
      "requests of one lane waiting for partitions",
      "Beyond this a request is refused with 503 and Retry-After."),
  ]

  private static let rules: [Setting] = [
    Setting(
      "idempotency-expiry", .rules, .duration(1_000...30 * 24 * hour, \.idempotencyExpiryMilliseconds),
      "how long an Idempotency-Key and its outcome are remembered", becomesARule),
    Setting(
      "order-retention", .rules, .duration(24 * hour...3_650 * 24 * hour, or: "off", \.orderRetentionMilliseconds),
      "how long after their last change orders are kept; then they are removed, with their payments",
      "`off` keeps them for ever. Orders whose checkout is under way stay. An order of a version without this setting "
        + "counts as changed when its owner first looks at it. The ids of removed orders answer 404 "
        + "([what goes, and when](retention.md)). \(becomesARule)"),
    Setting(
      "order-lines-max", .rules, .count(1...16_384, \.orderLinesMax), "different items in one order", becomesARule),
    Setting(
      "order-waiters-max", .rules, .count(1...65_536, \.orderWaitersMax),
      "requests waiting for the checkout of one order", becomesARule),
    Setting(
      "item-parked-max", .rules, .count(1...65_536, \.itemParkedMax), "checkouts waiting for units of one item",
      "Units held by unfinished checkouts may be released, so later buyers wait in line; beyond this bound they get "
        + "503. \(becomesARule)"
    ),
  ]

  /// Text for the settings that are part of the rules by which partitions decide.
  private static let becomesARule =
    "A changed value is written to each partition's log and applies from there on; earlier decisions stay."

  private static let memory: [Setting] = [
    Setting(
      "checkpoint-interval", .memory, .duration(10...hour, \.checkpointIntervalMilliseconds),
      "how long a change may wait for its checkpoint", "A restart replays about this much."),
    Setting(
      "checkpoint-entities-due", .memory, .count(1...10_000_000, \.checkpointEntitiesDue),
      "changed entities of one partition at which its checkpoint is due immediately"),
    Setting(
      "resident-entities-max", .memory, .count(1...100_000_000, \.residentEntitiesMax),
      "entities of all partitions of the process in memory; beyond this unchanged ones are evicted",
      "One takes about 300 bytes."),
    Setting(
      "dirty-entities-max", .memory, .count(1...10_000_000, \.dirtyEntitiesMax),
      "changed entities of all partitions of the process waiting for checkpoints",
      "Beyond this commands are refused with 503 until checkpoints catch up."),
    Setting(
      "event-log-queue-records-max", .memory, .count(1...16_777_216, \.eventLogQueuedRecordsMax),
      "records waiting to be written to the log",
      "Beyond this commands are refused with 503. Only in embedded mode: a pod has one record of each partition "
        + "under way.", in: .embedded),
    Setting(
      "event-log-queue-bytes-max", .memory, .bytes(1 << 20...16 << 30, \.eventLogQueuedBytesMax),
      "bytes waiting to be written to the log", "Beyond this commands are refused with 503. Only in embedded mode.",
      in: .embedded),
    Setting(
      "event-log-retention", .memory, .choice(\.eventLogRetention),
      "what happens to log records covered by checkpoints",
      "`trim` deletes them in the background; `keep` keeps the whole history, and the folder "
        + "grows with every command. Only in embedded mode: topics have their own retention.", in: .embedded),
    Setting(
      "price-cache-entries-max", .memory, .count(1...100_000_000, \.priceCacheEntriesMax),
      "item prices that the orders service remembers"),
    Setting(
      "price-cache-time", .memory, .duration(1...24 * hour, \.priceCacheMilliseconds),
      "how long "
        + "a price is remembered"),
  ]

  private static let operation: [Setting] = [
    Setting(
      "config", .operation, .file(\.configFile), "a file of settings, one NAME=VALUE per line",
      "The names are those of the environment. Flags and the environment override it. It cannot name another one."),
    Setting(
      "log-level", .operation, .choice(\.logLevel), "the lowest level logged to standard error",
      "SIGHUP makes the server reload it from the file that `config` names."),
    Setting("log-format", .operation, .choice(\.logFormat), "the format of log lines: for people or for programs"),
    Setting(
      "access-log", .operation, .choice(\.accessLog), "which requests get a line in the log when they are answered",
      "`errors` means those with a status of 400 and above, and those whose clients did not wait. Applies to both "
        + "ports, whatever `log-level` is. If the log's reader is slow, lines are dropped and counted, and requests do "
        + "not wait."),
    Setting(
      "clock-tolerance", .operation, .duration(1_000...hour, \.clockToleranceMilliseconds),
      "how far apart clocks may be",
      "Records get the wall clock's time at the start plus the time passed since. If the wall clock is set by less "
        + "than this while the server runs, the server follows it by 3.6 s per hour; a larger jump it does not follow: "
        + "the log and `kassa_clock_skew_seconds` say so. At the start it must not be more than this before the newest "
        + "record of the data folder, nor 400 days after it; a pod's must agree with the clocks of Kafka's brokers and "
        + "the databases."),
    Setting(
      "accept-clock", .operation, .choice(\.acceptedClock), "which wall clock the server accepts at its start",
      "`now` starts with the clock as it is even if `plausible` would refuse it. In embedded mode time then continues "
        + "from the newest record if that is later than the clock. It is meant for one start; a folder whose records "
        + "are ahead of the clock needs it at every start."),
    Setting(
      "drain-delay", .operation, .duration(0...hour, \.drainDelayMilliseconds),
      "how long the server keeps serving after SIGTERM",
      "In this time `/readyz` answers 503, so that load balancers send requests elsewhere, and answers close their "
        + "connections. SIGINT (Ctrl-C) skips it."),
    Setting(
      "drain-time", .operation, .duration(0...hour, \.drainMilliseconds),
      "how long requests under way may take when the process stops",
      "It begins when `drain-delay` is over. New requests are then refused with 503."),
  ]
}
