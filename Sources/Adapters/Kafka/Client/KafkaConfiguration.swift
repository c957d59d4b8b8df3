import CRdKafka
import Ports
import Model

/// librdkafka's configuration until a client takes it over.
struct KafkaConfiguration: ~Copyable {
  private let conf: OpaquePointer

  init() { conf = rd_kafka_conf_new() }

  deinit { rd_kafka_conf_destroy(conf) }

  /// - Throws: `LogFailure` that names the setting, never its value: it may be a secret.
  mutating func set(_ name: String, _ value: String) throws(LogFailure) {
    var reason = [CChar](repeating: 0, count: 512)
    let result = rd_kafka_conf_set(conf, name, value, &reason, reason.count)
    if result == RD_KAFKA_CONF_OK { return }
    let text =
      result == RD_KAFKA_CONF_UNKNOWN
      ? "librdkafka \(KafkaLibrary.version) does not know it" : "librdkafka does not take this value for it"
    throw LogFailure(.settings, "\(KafkaProperties.prefix)\(name): \(text)")
  }

  mutating func set(_ name: String, _ value: Int) throws(LogFailure) { try set(name, String(value)) }

  /// Which kinds of events arrive on the client's queues.
  mutating func takeEvents(_ kinds: Int32) { rd_kafka_conf_set_events(conf, kinds) }

  /// Makes a client of it.
  consuming func makeClient(_ type: rd_kafka_type_t) throws(LogFailure) -> OpaquePointer {
    var reason = [CChar](repeating: 0, count: 512)
    // A client owns its configuration once it is made.
    guard let copy = rd_kafka_conf_dup(conf) else { throw LogFailure(.settings, "no memory for a Kafka client") }
    guard let client = rd_kafka_new(type, copy, &reason, reason.count) else {
      rd_kafka_conf_destroy(copy)
      let text = String(decoding: reason.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      throw LogFailure(.settings, "cannot create a Kafka client: \(text)")
    }
    return client
  }

  /// What all clients share.
  static func common(_ options: KafkaOptions, events: Int32) throws(LogFailure) -> KafkaConfiguration {
    if let contradiction = options.contradiction { throw LogFailure(.settings, contradiction) }
    var configuration = KafkaConfiguration()
    configuration.takeEvents(events | RD_KAFKA_EVENT_ERROR | RD_KAFKA_EVENT_LOG)
    try configuration.set("socket.nagle.disable", "true")
    try configuration.set("socket.keepalive.enable", "true")
    // A broker that comes back is found within a second, a new leader within a tenth of that.
    try configuration.set("reconnect.backoff.ms", 50)
    try configuration.set("reconnect.backoff.max.ms", 1_000)
    try configuration.set("topic.metadata.refresh.fast.interval.ms", 100)
    // A hung broker keeps what is on its way to it: only after this do messages go to the partition's next leader.
    try configuration.set("socket.timeout.ms", KafkaOptions.silenceMillisecondsMax)
    for (name, value) in options.properties.values.sorted(by: { $0.key < $1.key }) {
      try configuration.set(name, value)
    }
    try configuration.set("bootstrap.servers", options.brokers)
    try configuration.set("client.id", options.clientName)
    try configuration.set("log.queue", "true")
    return configuration
  }

  /// One lane's appends. The records themselves show their order and repetitions, so it is neither idempotent nor
  /// gapless, and nothing ends it.
  static func appender(_ options: KafkaOptions) throws(LogFailure) -> KafkaConfiguration {
    var configuration = try common(options, events: RD_KAFKA_EVENT_DR)
    try configuration.set("enable.idempotence", "false")
    try configuration.set("acks", "all")
    try configuration.set("linger.ms", 0)
    try configuration.set("retry.backoff.ms", 50)
    try configuration.set("message.send.max.retries", 2_147_483_647)
    try configuration.set("message.timeout.ms", options.commandTimeoutMilliseconds)
    try configuration.set("message.max.bytes", options.recordBytesMax + KafkaOptions.recordOverheadBytesMax)
    // Kassa has its own bounds before the producers: a message must never be refused here.
    try configuration.set("queue.buffering.max.messages", 0)
    try configuration.set("queue.buffering.max.kbytes", 2_147_483_647)
    return configuration
  }

  /// Writes the map of owners, where repetitions do no harm. Not idempotent: on a broker that has just started such a
  /// producer may be refused its very first record.
  static func announcer(_ options: KafkaOptions) throws(LogFailure) -> KafkaConfiguration {
    var configuration = try common(options, events: RD_KAFKA_EVENT_DR)
    try configuration.set("acks", "all")
    try configuration.set("max.in.flight.requests.per.connection", 1)
    try configuration.set("linger.ms", 0)
    try configuration.set("retry.backoff.ms", 50)
    try configuration.set("message.timeout.ms", options.commandTimeoutMilliseconds)
    return configuration
  }

  /// Reads records by hand; never commits, never resets.
  ///
  /// - Parameter reportsEnds: whether it stops at the end of each partition, and reports where that is.
  static func reader(_ options: KafkaOptions, reportsEnds: Bool = false) throws(LogFailure) -> KafkaConfiguration {
    var configuration = try common(options, events: 0)
    try configuration.setNoCommits()
    try configuration.set("fetch.error.backoff.ms", 50)
    // A partition that is taken over is read once the fetch under way has returned. The answer that reports
    // the end of a partition has nothing to wait for.
    if options.properties.values["fetch.wait.max.ms"] == nil {
      try configuration.set("fetch.wait.max.ms", reportsEnds ? 5 : 100)
    }
    if reportsEnds { try configuration.set("enable.partition.eof", "true") }
    try configuration.set("queued.max.messages.kbytes", options.readAheadKilobytesMax)
    return configuration
  }

  /// Reads ingest topics, and refused records again. Only what its producers have committed, if they use transactions.
  static func ingester(_ options: KafkaOptions) throws(LogFailure) -> KafkaConfiguration {
    var configuration = try reader(options)
    try configuration.set("isolation.level", "read_committed")
    try configuration.set("queued.max.messages.kbytes", IngestLimits.readAheadKilobytesMax)
    try configuration.set("queued.min.messages", IngestLimits.undurableInputsMax)
    return configuration
  }

  /// Reads the map of owners. If the topic lost its records, it is read from its beginning again.
  static func follower(_ options: KafkaOptions) throws(LogFailure) -> KafkaConfiguration {
    var configuration = try reader(options)
    try configuration.set("auto.offset.reset", "earliest")
    return configuration
  }

  /// A member of a service's group: it takes part in the assignment and reads nothing.
  static func member(_ options: KafkaOptions, of service: Service) throws(LogFailure) -> KafkaConfiguration {
    var configuration = try common(options, events: RD_KAFKA_EVENT_REBALANCE)
    try configuration.set("group.id", options.group(of: service))
    try configuration.setNoCommits()
    try configuration.set("partition.assignment.strategy", "range")
    try configuration.set("session.timeout.ms", options.sessionTimeoutMilliseconds)
    try configuration.set("heartbeat.interval.ms", options.heartbeatMilliseconds)
    // Sessions and leases show who is alive; how often anybody asks for an event does not.
    try configuration.set("max.poll.interval.ms", 86_400_000)
    return configuration
  }

  private mutating func setNoCommits() throws(LogFailure) {
    try set("enable.auto.commit", "false")
    try set("enable.auto.offset.store", "false")
    try set("auto.offset.reset", "error")
  }
}

/// The library itself.
public enum KafkaLibrary {
  /// The running version, like `2.0.2`.
  public static var version: String { String(cString: rd_kafka_version_str()) }

  /// What librdkafka reports about an error, with its name: `_TRANSPORT: Local: Broker transport failure`.
  static func text(_ code: rd_kafka_resp_err_t) -> String {
    "\(String(cString: rd_kafka_err2name(code))): \(String(cString: rd_kafka_err2str(code)))"
  }
}
