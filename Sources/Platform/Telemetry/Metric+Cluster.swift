/// The metrics of a pod's log in Kafka.
extension Metric {
  public static let kafkaAcknowledged = Metric(
    "kassa_kafka_records_acknowledged_total", .counter, "Records that brokers acknowledged.")
  public static let kafkaReportBatches = Metric(
    "kassa_kafka_report_batches_total", .counter, "Batches of delivery reports taken.")
  public static let kafkaRequests = Metric(
    "kassa_kafka_produce_requests_total", .counter,
    "Requests that carried records to brokers; 0 where connections use TLS or SASL.")
  public static let kafkaUnknown = Metric(
    "kassa_kafka_records_unknown_total", .counter,
    "Records of unknown fate: their owners check whether they were written.")
  public static let kafkaReadingsBegun = Metric(
    "kassa_kafka_readings_total", .counter, "Times that an owner began to read a partition.")
  public static let kafkaReadingsBroken = Metric(
    "kassa_kafka_readings_broken_total", .counter, "Readings that could not continue.")
  public static let kafkaRecordsRead = Metric("kassa_kafka_records_read_total", .counter, "Records read.")
  public static let kafkaPartitionsRead = Metric("kassa_kafka_partitions_read", .gauge, "Partitions being read now.")
  public static let kafkaPendingRecords = Metric(
    "kassa_kafka_pending_records", .gauge, "Records sent but not yet acknowledged.")
  public static let kafkaPendingBytes = Metric("kassa_kafka_pending_bytes", .gauge, "Bytes of pending records.")
  public static let kafkaMargin = Metric(
    "kassa_kafka_retention_margin_records", .gauge, "Records that retention may remove before one that is needed.")

  public static let ofKafka = [
    kafkaAcknowledged, kafkaReportBatches, kafkaRequests, kafkaUnknown, kafkaReadingsBegun, kafkaReadingsBroken,
    kafkaRecordsRead, kafkaPartitionsRead, kafkaPendingRecords, kafkaPendingBytes,
  ]
}

/// The metrics of the topics that other systems write commands to; only where they may.
extension Metric {
  public static let ingestLag = Metric(
    "kassa_ingest_lag_records", .gauge, "Records of the partition's ingest topic that are not durable in it.")
  public static let ingestStopped = Metric(
    "kassa_ingest_stopped", .gauge, "1 while the topic lacks the record that comes next, else 0.")
  public static let ingestTaken = Metric(
    "kassa_ingest_taken_total", .counter, "Records of the service's ingest topic that owners on this pod received.")
  public static let ingestRefused = Metric(
    "kassa_ingest_refused_total", .counter, "Refused commands written to the topic for them.")

  public static let ofIngest = [ingestLag, ingestStopped, ingestTaken, ingestRefused]
}

/// The metrics of a pod as a member of Kafka's groups, labelled with `service`.
extension Metric {
  public static let memberAssignments = Metric(
    "kassa_kafka_member_assignments_total", .counter, "Assignments of partitions to this pod by its group.")
  public static let memberRevocations = Metric(
    "kassa_kafka_member_revocations_total", .counter, "Assignments revoked.")
  public static let memberLosses = Metric(
    "kassa_kafka_member_losses_total", .counter, "Assignments revoked after others could own the partitions.")
  public static let memberTroubles = Metric(
    "kassa_kafka_member_troubles_total", .counter, "Errors of the membership that may be temporary.")
  public static let memberPartitions = Metric(
    "kassa_kafka_member_partitions", .gauge, "Partitions assigned to this pod.")
  public static let memberLost = Metric(
    "kassa_kafka_member_lost", .gauge, "1 while the group has lost this pod and not readmitted it, else 0.")

  public static let ofMembers = [
    memberAssignments, memberRevocations, memberLosses, memberTroubles, memberPartitions, memberLost,
  ]
}

/// The metrics of this pod's map of owners.
extension Metric {
  public static let ownersPods = Metric("kassa_owners_pods", .gauge, "Pods in the map of owners.")
  public static let ownersPartitions = Metric(
    "kassa_owners_partitions", .gauge, "Partitions whose owner is a pod in the map of owners.")
  public static let ownersPassedOver = Metric(
    "kassa_owners_passed_over_total", .counter, "Records of the map of owners that this pod could not read.")

  public static let ofOwners = [ownersPods, ownersPartitions, ownersPassedOver]
}

/// The metrics of a pod's stores in PostgreSQL, labelled with `service`.
extension Metric {
  public static let postgresConnected = Metric(
    "kassa_postgres_connected", .gauge, "1 while checkpoints and loads each have a connection, else 0.")
  public static let postgresConnections = Metric("kassa_postgres_connections", .gauge, "Open connections.")
  public static let postgresConnects = Metric("kassa_postgres_connects_total", .counter, "Connections made.")
  public static let postgresConnectFailures = Metric(
    "kassa_postgres_connect_failures_total", .counter, "Failed attempts to connect.")
  public static let postgresDisconnects = Metric("kassa_postgres_disconnects_total", .counter, "Connections lost.")
  public static let postgresQueuedWrites = Metric(
    "kassa_postgres_queued_writes", .gauge, "Checkpoints and epochs waiting to be written.")
  public static let postgresQueuedLoads = Metric("kassa_postgres_queued_loads", .gauge, "Loads waiting to run.")
  public static let postgresAcquisitions = Metric("kassa_postgres_acquisitions_total", .counter, "Epochs raised.")
  public static let postgresCheckpoints = Metric("kassa_postgres_checkpoints_total", .counter, "Checkpoints written.")
  public static let postgresTransactions = Metric(
    "kassa_postgres_transactions_total", .counter, "Transactions that wrote checkpoints.")
  public static let postgresRowsWritten = Metric(
    "kassa_postgres_rows_written_total", .counter, "Entities inserted or updated.")
  public static let postgresBytesWritten = Metric(
    "kassa_postgres_written_bytes_total", .counter, "Bytes of the bodies of written entities.")
  public static let postgresRowsDeleted = Metric("kassa_postgres_rows_deleted_total", .counter, "Entities deleted.")
  public static let postgresRowsExpired = Metric(
    "kassa_postgres_rows_expired_total", .counter, "Idempotency keys deleted because they had expired.")
  public static let postgresWriteSeconds = Metric(
    "kassa_postgres_write_seconds_total", .counter, "Time spent on transactions.")
  public static let postgresWriteFailures = Metric(
    "kassa_postgres_write_failures_total", .counter, "Checkpoints that failed, not counting the fenced ones.")
  public static let postgresLoads = Metric("kassa_postgres_loads_total", .counter, "Loads answered.")
  public static let postgresRowsLoaded = Metric("kassa_postgres_rows_loaded_total", .counter, "Entities found.")
  public static let postgresLoadFailures = Metric("kassa_postgres_load_failures_total", .counter, "Loads that failed.")
  public static let postgresPages = Metric(
    "kassa_postgres_order_pages_total", .counter, "Pages of orders read to find old ones.")
  public static let postgresFencedWrites = Metric(
    "kassa_postgres_fenced_writes_total", .counter, "Checkpoints refused because the partition has a newer owner.")
  public static let postgresFencedLoads = Metric(
    "kassa_postgres_fenced_loads_total", .counter, "Loads refused because the partition has a newer owner.")
  public static let postgresSetBack = Metric(
    "kassa_postgres_set_back_total", .counter,
    "Checkpoints and loads refused because the database holds less than it had acknowledged.")
  public static let postgresUnknownCommits = Metric(
    "kassa_postgres_unknown_commits_total", .counter, "Checkpoints whose commit got no answer.")
  public static let postgresUnknownCommitsWritten = Metric(
    "kassa_postgres_unknown_commits_written_total", .counter,
    "Checkpoints whose commit got no answer and turned out to be written.")
  public static let postgresDamagedRows = Metric(
    "kassa_postgres_damaged_rows_total", .counter, "Rows that Kassa cannot have written.")

  public static let ofPostgres = [
    postgresConnected, postgresConnections, postgresConnects, postgresConnectFailures, postgresDisconnects,
    postgresQueuedWrites, postgresQueuedLoads, postgresAcquisitions, postgresCheckpoints, postgresTransactions,
    postgresRowsWritten, postgresBytesWritten, postgresRowsDeleted, postgresRowsExpired, postgresWriteSeconds,
    postgresWriteFailures, postgresLoads, postgresRowsLoaded, postgresLoadFailures, postgresPages,
    postgresFencedWrites,
    postgresFencedLoads, postgresSetBack, postgresUnknownCommits, postgresUnknownCommitsWritten, postgresDamagedRows,
  ]
}

/// The metrics of a pod's price caches in Redis, all lanes together.
extension Metric {
  public static let redisAsking = Metric(
    "kassa_redis_asking_lanes", .gauge, "Lanes that ask Redis; the others ask the stock service.")
  public static let redisHits = Metric("kassa_redis_hits_total", .counter, "Questions answered with a price.")
  public static let redisMisses = Metric("kassa_redis_misses_total", .counter, "Questions to which no price was known.")
  public static let redisSkipped = Metric(
    "kassa_redis_skipped_total", .counter, "Questions not asked because Redis is unhealthy.")
  public static let redisRefusedAtBound = Metric(
    "kassa_redis_refused_at_bound_total", .counter, "Questions not asked because a bound was reached.")
  public static let redisRequests = Metric("kassa_redis_requests_total", .counter, "Requests for prices sent.")
  public static let redisLateRequests = Metric(
    "kassa_redis_late_requests_total", .counter, "Requests for prices that were not answered in time.")
  public static let redisWrites = Metric("kassa_redis_writes_total", .counter, "Prices sent to Redis.")
  public static let redisRefusedWrites = Metric(
    "kassa_redis_refused_writes_total", .counter, "Prices that Redis refused to store.")
  public static let redisDroppedWrites = Metric(
    "kassa_redis_dropped_writes_total", .counter, "Prices not sent: Redis is unreachable, full or slow.")
  public static let redisRubbish = Metric(
    "kassa_redis_rubbish_total", .counter, "Values and replies that Kassa never wrote or asked for.")
  public static let redisErrorReplies = Metric(
    "kassa_redis_error_replies_total", .counter, "Errors in reply to requests for prices.")
  public static let redisConnects = Metric("kassa_redis_connects_total", .counter, "Connections opened.")
  public static let redisLosses = Metric("kassa_redis_losses_total", .counter, "Connections lost, or not established.")
  public static let redisRefusedLogIns = Metric(
    "kassa_redis_refused_log_ins_total", .counter, "Connections whose log-in was refused.")

  public static let ofRedis = [
    redisAsking, redisHits, redisMisses, redisSkipped, redisRefusedAtBound, redisRequests, redisLateRequests,
    redisWrites, redisRefusedWrites, redisDroppedWrites, redisRubbish, redisErrorReplies, redisConnects, redisLosses,
    redisRefusedLogIns,
  ]
}

/// The metrics of the connections to other pods; the last three are labelled with `peer`.
extension Metric {
  public static let peersConnected = Metric("kassa_peers_connected", .gauge, "Other pods that can be reached.")
  public static let peersReplaced = Metric(
    "kassa_peers_replaced", .gauge, "1 when a newer pod has this one's name, else 0.")
  public static let peersFramesSent = Metric("kassa_peers_frames_sent_total", .counter, "Frames sent.")
  public static let peersFramesReceived = Metric("kassa_peers_frames_received_total", .counter, "Frames received.")
  public static let peersPacketsSent = Metric("kassa_peers_packets_sent_total", .counter, "Packets sent.")
  public static let peersPacketsReceived = Metric("kassa_peers_packets_received_total", .counter, "Packets received.")
  public static let peersDuplicateFrames = Metric(
    "kassa_peers_duplicate_frames_total", .counter, "Frames received again after a reconnect.")
  public static let peersRefusedFrames = Metric(
    "kassa_peers_refused_frames_total", .counter, "Frames refused because too much waits for the peer.")
  public static let peersWelcomes = Metric(
    "kassa_peers_welcomes_total", .counter, "Introductions of other pods that were accepted.")
  public static let peersRefusals = Metric("kassa_peers_refusals_total", .counter, "Introductions refused.")
  public static let peersRubbishLinks = Metric("kassa_peers_rubbish_links_total", .counter, "Links that sent rubbish.")
  public static let peersFailedHandshakes = Metric(
    "kassa_peers_failed_handshakes_total", .counter, "Connections that ended before identifying themselves.")
  public static let peersRefusedCertificates = Metric(
    "kassa_peers_refused_certificates_total", .counter, "Connections without a trusted certificate.")
  public static let peersFailedReloads = Metric(
    "kassa_peers_failed_reloads_total", .counter, "Times that changed certificate files could not be used.")
  public static let peersStrayPackets = Metric(
    "kassa_peers_stray_packets_total", .counter, "Introductions that arrived late, or again.")
  public static let peersUndecodableFrames = Metric(
    "kassa_peers_undecodable_frames_total", .counter, "Frames in a format that this version does not know.")
  public static let peersOversizedSends = Metric(
    "kassa_peers_oversized_sends_total", .counter, "Times that nothing was sent because a message fits into no frame.")
  public static let peersReconnects = Metric(
    "kassa_peers_reconnects_total", .counter, "Times that the link to a peer began again.")

  public static let peerUp = Metric("kassa_peer_connected", .gauge, "1 while the peer can be reached, else 0.")
  public static let peerQueuedFrames = Metric("kassa_peer_queued_frames", .gauge, "Frames waiting for the peer.")
  public static let peerQueuedBytes = Metric("kassa_peer_queued_bytes", .gauge, "Bytes waiting for the peer.")

  public static let ofPeers = [
    peersConnected, peersReplaced, peersFramesSent, peersFramesReceived, peersPacketsSent, peersPacketsReceived,
    peersDuplicateFrames, peersRefusedFrames, peersWelcomes, peersRefusals, peersRubbishLinks, peersFailedHandshakes,
    peersRefusedCertificates, peersFailedReloads, peersStrayPackets, peersReconnects, peersUndecodableFrames,
    peersOversizedSends,
  ]
  public static let ofEachPeer = [peerUp, peerQueuedFrames, peerQueuedBytes]

  /// The metrics that only pods of a cluster have.
  public static let ofCluster =
    ofKafka + [kafkaMargin] + ofIngest + ofMembers + ofOwners + ofPostgres + ofRedis + ofPeers + ofEachPeer
}
