/// The settings that only a pod of a cluster has.
extension SettingsTable {
  private static let hour: Int64 = 3_600_000

  static let cluster: [Setting] = [
    Setting(
      "service", .cluster, .choice(\.cluster.services),
      "the services whose API is served and whose partitions may be owned here",
      "Requests for another service are refused with 421: the gateway routes by the path."),
    Setting(
      "role", .cluster, .choice(\.cluster.role), "what is done for the services: requests, partitions, or both",
      "`api` only takes requests and needs no database; `owner` only owns partitions."),
    Setting(
      "pod", .cluster, .text(1...128, \.cluster.pod), "this process's name for the others, and for Kafka",
      "By default the host's name. No two pods of a cluster may share one: the older one stops."),
    Setting(
      "peers", .cluster, .endpoint(\.cluster.peers), "where other pods connect",
      "A numeric address with a port that is not 0: it is announced before it is opened."),
    Setting(
      "peers-advertise", .cluster, .endpoint(\.cluster.peersAdvertise), "where other pods find `peers`",
      "By default `peers`. Port 0 means the port of `peers`."),
    Setting(
      "peer-certificate", .cluster, .file(\.cluster.peerCertificateFile),
      "the certificate that this pod shows to the others, as PEM",
      "Needed, with its key and the authorities, as soon as `peers` or `peers-advertise` is not a loopback address: "
        + "then pods talk over TLS. From cert-manager, or from `kassa keys`. All three files are reloaded after "
        + "changes."),
    Setting(
      "peer-key", .cluster, .file(\.cluster.peerKeyFile), "the private key of `peer-certificate`, as PEM",
      "Only the user that Kassa runs as, and a group such as Kubernetes' `fsGroup`, may read it."),
    Setting(
      "peer-authorities", .cluster, .file(\.cluster.peerAuthoritiesFile),
      "the authorities that must have issued the other pods' certificates, as PEM"),
    Setting(
      "lease", .cluster, .duration(100...60_000, \.cluster.leaseMilliseconds),
      "how long an owner may answer reads from memory after it last read its own tick from the log",
      "A new owner waits this long before it answers, unless the old one has released the partition."),
    Setting(
      "handover-time", .cluster, .duration(0...hour, \.cluster.handoverMilliseconds),
      "how long a stopping pod waits for others to take over its partitions"),
  ]

  static let kafka: [Setting] = [
    Setting(
      "kafka-brokers", .kafka, .endpoints(\.cluster.kafkaBrokers), "where the Kafka cluster is found",
      "Some of the brokers are enough. librdkafka's other settings, such as SASL and TLS, come from variables "
        + "KASSA_RDKAFKA_NAME (librdkafka's name in capitals, `_` for `.`), or from lines rdkafka.NAME=VALUE of the "
        + "settings file."),
    Setting(
      "kafka-prefix", .kafka, .text(0...200, \.cluster.kafkaPrefix), "prefix of the names of topics and groups"),
    Setting(
      "kafka-session-timeout", .kafka, .duration(1_000...hour / 2, \.cluster.kafkaSessionMilliseconds),
      "how long a pod may be silent before its partitions go to others",
      "The pause after a crash. Brokers accept 6s or more unless their group.min.session.timeout.ms says otherwise."),
    Setting(
      "kafka-command-timeout", .kafka, .duration(100...hour / 12, \.cluster.kafkaCommandMilliseconds),
      "how long the brokers may take to acknowledge a record",
      "Then its partition checks whether it is in the topic, and writes it again if not."),
    Setting(
      "kafka-replication", .kafka, .count(1...32, \.cluster.kafkaReplication),
      "brokers that must store every record", "Topics with fewer are refused at the start."),
    Setting(
      "kafka-min-insync", .kafka, .count(1...32, or: "one-less", \.cluster.kafkaMinInsync),
      "brokers that must have a record before it counts as written",
      "`one-less` means one less than `kafka-replication`, but at least 1. Topics with fewer are refused."),
    Setting(
      "kafka-retention", .kafka, .duration(hour...87_600 * hour, \.cluster.kafkaRetentionMilliseconds),
      "how long topics must keep records at least",
      "Longer than a database may lag behind. In whole hours. Topics that keep records for less are refused."),
    Setting(
      "ingest", .kafka, .choice(\.cluster.ingest), "whether other systems may write commands to separate topics",
      "`kassa topics create --ingest on` makes them. If retention removed commands that were not taken yet, their "
        + "partition takes no more from there, unless it is `skip-lost`. All pods must have the same value."),
  ]

  static let servers: [Setting] = [
    postgres("orders", \.cluster.postgresOrders), fileOf("postgres-orders", \.cluster.postgresOrdersFile),
    postgres("stock", \.cluster.postgresStock), fileOf("postgres-stock", \.cluster.postgresStockFile),
    postgres("payments", \.cluster.postgresPayments), fileOf("postgres-payments", \.cluster.postgresPaymentsFile),
    Setting(
      "redis", .servers, .secret("URL", \.cluster.redis), "the Redis that caches item prices",
      "Such as redis://host:6379/0. Without it each pod caches them in memory. It is never shown: it may contain a "
        + "password. Give it in a file, with `redis-file`; everybody on the machine can see flags."),
    fileOf("redis", \.cluster.redisFile),
    Setting(
      "redis-authorities", .servers, .file(\.cluster.redisAuthoritiesFile),
      "the authorities' certificates for a Redis at rediss:// (PEM)", "By default the system's."),
    Setting(
      "redis-prefix", .servers, .text(0...128, \.cluster.redisPrefix), "prefix of the keys in Redis",
      "Clusters with different prefixes can share a database."),
  ]

  private static func postgres(_ service: String, _ place: Place<String?>) -> Setting {
    Setting(
      "postgres-\(service)", .servers, .secret("CONNINFO", place), "the PostgreSQL database of the \(service) service",
      "In libpq's format: key=value pairs or a URI. It is never shown: it may contain a password. Give it in a file, "
        + "with `postgres-\(service)-file`; everybody on the machine can see flags.")
  }

  /// The setting that names the file of a secret.
  private static func fileOf(_ secret: String, _ place: Place<String?>) -> Setting {
    Setting(
      "\(secret)\(fileSuffix)", .servers, .file(place), "a file that holds the value of `\(secret)`",
      "One newline at its end is ignored. For secrets mounted as files. Not together with `\(secret)`.")
  }
}
