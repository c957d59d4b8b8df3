extension SettingsRelations {
  /// What must hold between the settings of a pod; in embedded mode all of it does.
  static let cluster: [Relation] =
    [
      onlyInCluster("Cluster mode needs `kafka-brokers`.", ["mode", "kafka-brokers"]) {
        !$0.cluster.kafkaBrokers.isEmpty
      }
    ] + databases + peers + times

  private static func onlyInCluster(
    _ rule: String, _ names: [String], holds: @escaping @Sendable (ServeSettings) -> Bool
  ) -> Relation {
    Relation(rule, names) { $0.mode == .embedded || holds($0) }
  }

  private static let databases: [Relation] = [
    database(.orders, \.postgresOrders), database(.stock, \.postgresStock), database(.payments, \.postgresPayments),
  ]

  private static func database(
    _ service: ServiceChoice, _ place: any KeyPath<ClusterSettings, String?> & Sendable
  ) -> Relation {
    let name = "postgres-\(service.rawValue)"
    return onlyInCluster(
      "A pod that may own partitions of \(service.rawValue) needs `\(name)` or `\(name)-file`.",
      [name, "service", "role"]
    ) { settings in
      let cluster = settings.cluster
      return cluster.role == .api || !cluster.services.contains(service) || cluster[keyPath: place] != nil
    }
  }

  private static let peers: [Relation] = [
    onlyInCluster(
      "`peers-advertise` is needed if `peers` means every address of the machine, and cannot mean that itself.",
      ["peers", "peers-advertise"]
    ) { !($0.cluster.peersAdvertise ?? $0.cluster.peers).isWildcard },
    onlyInCluster(
      "`peer-certificate` is needed if `peers` or `peers-advertise` is not a loopback address.",
      ["peers", "peers-advertise", "peer-certificate"]
    ) { settings in
      let places = [settings.cluster.peers] + [settings.cluster.peersAdvertise].compactMap { $0 }
      return settings.cluster.peerCertificateFile != nil || places.allSatisfy(\.isLoopback)
    },
    onlyInCluster(
      "`peer-certificate`, `peer-key` and `peer-authorities` need each other.",
      ["peer-certificate", "peer-key", "peer-authorities"]
    ) { settings in
      let cluster = settings.cluster
      let files = [cluster.peerCertificateFile, cluster.peerKeyFile, cluster.peerAuthoritiesFile]
      return files.allSatisfy { $0 == nil } || files.allSatisfy { $0 != nil }
    },
    onlyInCluster("`peers` must be a numeric address with a port other than 0.", ["peers"]) {
      $0.cluster.peers.isNumeric && $0.cluster.peers.port > 0
    },
    onlyInCluster("`peers` must not be `http` or `operator`.", ["peers", "http", "operator"]) { settings in
      let peers = settings.cluster.peers
      return peers != settings.http && peers != settings.operatorPort
    },
    onlyInCluster("`redis-authorities` needs `redis`.", ["redis", "redis-authorities"]) {
      $0.cluster.redisAuthoritiesFile == nil || $0.cluster.redis != nil
    },
  ]

  private static let times: [Relation] = [
    onlyInCluster("`kafka-min-insync` must not exceed `kafka-replication`.", ["kafka-min-insync", "kafka-replication"])
    {
      $0.cluster.kafkaMinInsyncInForce <= $0.cluster.kafkaReplication
    },
    // A new owner waits for the session of the old one, and then for its lease.
    .ascending("lease", "kafka-session-timeout", in: .cluster) {
      ($0.cluster.leaseMilliseconds, $0.cluster.kafkaSessionMilliseconds)
    },
    // Otherwise clients waiting while a pod dies get errors.
    onlyInCluster(
      "`kafka-session-timeout`, `lease` and a tenth of it, and 1 s for the group to distribute the partitions must "
        + "together fit into `request-deadline`.", ["kafka-session-timeout", "lease", "request-deadline"]
    ) {
      let lease = $0.cluster.leaseMilliseconds
      return $0.cluster.kafkaSessionMilliseconds + lease + lease / 10 + 1_000 <= $0.requestDeadlineMilliseconds
    },
    .ascending("kafka-command-timeout", "request-deadline", in: .cluster) {
      ($0.cluster.kafkaCommandMilliseconds, $0.requestDeadlineMilliseconds)
    },
  ]
}
