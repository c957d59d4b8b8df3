import Ports

/// Settings that go to librdkafka unchanged: `security.protocol`, `sasl.password`, `ssl.ca.location`, …
///
/// They come from lines `rdkafka.NAME=VALUE` of a settings file and from variables `KASSA_RDKAFKA_NAME`, where NAME is
/// librdkafka's, in the variables in capitals with `_` for `.`. Values are never logged; `description` lists names.
public struct KafkaProperties: Sendable, CustomStringConvertible {
  /// What precedes librdkafka's name in a settings file.
  public static let prefix = "rdkafka."
  /// What precedes it in the environment.
  public static let variablePrefix = "KASSA_RDKAFKA_"
  /// How long a value may be: it may hold certificates.
  static let valueBytesMax = 65_536

  private(set) var values: [String: String] = [:]

  public init() {}

  /// What determines durability, order and ownership is Kassa's own choice; another value would break a promise.
  private static let reserved: [String: String] = [
    "acks": "every record is acknowledged by all replicas in sync",
    "request.required.acks": "every record is acknowledged by all replicas in sync",
    "enable.idempotence": "records are numbered, so a repetition has no effect",
    "enable.gapless.guarantee": "records are numbered, so a gap is seen",
    "transactional.id": "Kassa needs no transactions",
    "message.timeout.ms": "kafka-command-timeout sets it",
    "delivery.timeout.ms": "kafka-command-timeout sets it",
    "message.max.bytes": "the option for the size of a record sets it",
    "retries": "a record is sent until a broker takes it, or its time is over",
    "message.send.max.retries": "a record is sent until a broker takes it, or its time is over",
    "queue.buffering.max.messages": "Kassa bounds this itself",
    "queue.buffering.max.kbytes": "Kassa bounds this itself",
    "delivery.report.only.error": "Kassa counts what is acknowledged",
    "enable.auto.commit": "offsets are in the store's checkpoints",
    "auto.commit.enable": "offsets are in the store's checkpoints",
    "enable.auto.offset.store": "offsets are in the store's checkpoints",
    "enable.partition.eof": "the end of a partition is not a record",
    "enabled_events": "Kassa takes the events that it needs",
    "allow.auto.create.topics": "topics are made by kassa topics create, as Kassa needs them",
    "auto.offset.reset": "starting where the log no longer has records is an error",
    "group.id": "it follows from the prefix",
    "group.instance.id": "members are dynamic: a static one that leaves keeps its partitions unowned",
    "group.protocol": "the members of a group must agree",
    "group.remote.assignor": "the members of a group must agree",
    "partition.assignment.strategy": "the members of a group must agree",
    "partitioner": "Kassa names the partition itself",
    "bootstrap.servers": "another option names the brokers",
    "metadata.broker.list": "another option names the brokers",
    "client.id": "another option names the client",
    "log.queue": "Kassa takes the library's lines into its own log",
  ]

  /// What means nothing to a producer over plain connections.
  private static let ofOthers: Set<String> = [
    "check.crcs", "client.rack", "fetch.error.backoff.ms", "fetch.max.bytes", "fetch.message.max.bytes",
    "fetch.min.bytes", "fetch.wait.max.ms", "log_level", "max.partition.fetch.bytes", "queued.max.messages.kbytes",
    "queued.min.messages",
  ]

  /// Whether connections are plain and nothing else configures appends: Kassa's own producer can do it.
  var arePlain: Bool {
    values.allSatisfy { name, value in
      Self.ofOthers.contains(name) || (name == "security.protocol" && value.lowercased() == "plaintext")
    }
  }

  /// Adds one setting.
  /// - Throws: `LogFailure` if Kassa sets it itself, or librdkafka does not know it or its value. It never reveals
  ///   the value.
  public mutating func set(_ name: String, _ value: String) throws(LogFailure) {
    if let why = Self.reserved[name] {
      throw LogFailure(.settings, "\(Self.prefix)\(name) cannot be set: \(why)")
    }
    guard value.utf8.count <= Self.valueBytesMax else {
      throw LogFailure(.settings, "\(Self.prefix)\(name) is longer than \(Self.valueBytesMax) bytes")
    }
    var trial = KafkaConfiguration()
    try trial.set(name, value)
    values[name] = value
  }

  /// Takes the variables that begin with `KASSA_RDKAFKA_`.
  /// - Throws: as `set`.
  public mutating func take(environment: [String: String]) throws(LogFailure) {
    for (variable, value) in environment.sorted(by: { $0.key < $1.key }) where variable.hasPrefix(Self.variablePrefix) {
      let name = variable.dropFirst(Self.variablePrefix.count).lowercased()
      try set(String(name.map { $0 == "_" ? "." : $0 }), value)
    }
  }

  /// Takes the lines `rdkafka.NAME=VALUE` of a settings file; other lines, comments and empty ones are ignored.
  /// - Throws: as `set`, with the line's number.
  public mutating func take(lines text: String) throws(LogFailure) {
    for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
      guard line.hasPrefix(Self.prefix) else { continue }
      let parts = line.dropFirst(Self.prefix.count).split(
        separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2 else { throw LogFailure(.settings, "line \(index + 1): rdkafka.NAME=VALUE is expected") }
      do throws(LogFailure) {
        try set(String(parts[0]), String(parts[1]))
      } catch {
        throw LogFailure(.settings, "line \(index + 1): \(error.message)")
      }
    }
  }

  public var description: String { values.keys.sorted().joined(separator: ", ") }
}
