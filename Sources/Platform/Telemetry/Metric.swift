/// A Prometheus metric. Every name is listed below, with its unit last, as the conventions require. Source:
/// https://prometheus.io/docs/practices/naming/
public struct Metric: Sendable {
  public enum Kind: String, Sendable { case counter, gauge, histogram }

  public let name: StaticString
  public let kind: Kind
  public let help: StaticString

  init(_ name: StaticString, _ kind: Kind, _ help: StaticString) {
    self.name = name
    self.kind = kind
    self.help = help
  }
}

/// The metrics of the process.
extension Metric {
  public static let buildInfo = Metric("kassa_build_info", .gauge, "1; the label shows the version.")
  public static let cpu = Metric("process_cpu_seconds_total", .counter, "CPU time of the process, user and system.")
  public static let residentBytes = Metric("process_resident_memory_bytes", .gauge, "Resident memory.")
  public static let virtualBytes = Metric("process_virtual_memory_bytes", .gauge, "Virtual memory.")
  public static let openDescriptors = Metric("process_open_fds", .gauge, "Open file descriptors.")
  public static let descriptorsMax = Metric("process_max_fds", .gauge, "The maximum number of open file descriptors.")
  public static let startTime = Metric(
    "process_start_time_seconds", .gauge, "Start time of the process since 1970-01-01 UTC.")
  public static let ready = Metric("kassa_ready", .gauge, "1 while requests are served, else 0.")
  public static let requestsWaiting = Metric(
    "kassa_requests_waiting", .gauge, "Requests waiting for a partition.")
  public static let takeoversPending = Metric(
    "kassa_takeovers_pending", .gauge, "Partitions assigned to the process but not yet owned by it.")
  public static let takeoversFailing = Metric(
    "kassa_takeovers_failing", .gauge, "Pending partitions whose latest takeover failed, or whose log broke off.")

  /// All of them, in the order in which they are written.
  public static let ofProcess = [
    buildInfo, cpu, residentBytes, virtualBytes, openDescriptors, descriptorsMax, startTime, ready, requestsWaiting,
    takeoversPending, takeoversFailing,
  ]
}

/// The metrics of the HTTP server, and of the log.
extension Metric {
  public static let requestDuration = Metric(
    "kassa_http_request_duration_seconds", .histogram,
    "Time from a request's arrival to its answer, by route and class of status.")
  public static let connections = Metric("kassa_http_connections", .gauge, "Open connections.")
  public static let connectionsAccepted = Metric(
    "kassa_http_connections_accepted_total", .counter, "Connections accepted.")
  public static let connectionsRefused = Metric(
    "kassa_http_connections_refused_total", .counter, "Connections refused at a bound.")
  public static let connectionsDisplaced = Metric(
    "kassa_http_connections_displaced_total", .counter, "Idle connections closed at a bound to make room for others.")

  public static let accessLines = Metric(
    "kassa_access_log_lines_total", .counter, "Lines of the access log.")
  public static let accessLinesDropped = Metric(
    "kassa_access_log_dropped_total", .counter, "Lines of the access log dropped because they were not read in time.")

  public static let logFailed = Metric("kassa_log_failed", .gauge, "1 when the log takes no more records, else 0.")
  public static let logAppended = Metric(
    "kassa_log_appended_position", .gauge, "The position after the newest appended record.")
  public static let logDurable = Metric(
    "kassa_log_durable_position", .gauge, "Everything up to this position is durable.")
  public static let logCommits = Metric("kassa_log_commits_total", .counter, "Group commits, each with one fsync.")

  public static let ofHTTP = [
    requestDuration, connections, connectionsAccepted, connectionsRefused, connectionsDisplaced, accessLines,
    accessLinesDropped,
  ]
  public static let ofLog = [logFailed, logAppended, logDurable, logCommits]
}

/// The metrics of each partition, labelled with `service` and `partition`.
extension Metric {
  public static let partitionUp = Metric(
    "kassa_partition_running", .gauge, "1 while the partition serves, 0 while it replays or is stopped.")
  public static let partitionStopped = Metric(
    "kassa_partition_stopped", .gauge, "1 when the partition met a record that it cannot apply, else 0.")
  public static let epoch = Metric("kassa_partition_epoch", .gauge, "Counts the owners of the partition.")
  public static let recordsApplied = Metric(
    "kassa_partition_records_applied_total", .counter, "Log records applied.")
  public static let entriesApplied = Metric(
    "kassa_partition_entries_applied_total", .counter, "Entries of log records applied.")
  public static let lag = Metric(
    "kassa_partition_lag_records", .gauge, "Records delivered and waiting to be applied.")
  public static let appliedOffset = Metric(
    "kassa_partition_applied_offset", .gauge, "The offset of the newest applied record, -1 before the first.")
  public static let checkpointedOffset = Metric(
    "kassa_partition_checkpointed_offset", .gauge, "The offset of the newest record in the store.")
  public static let checkpointAge = Metric(
    "kassa_partition_checkpoint_age_seconds", .gauge, "Time since the store had everything that was applied.")
  public static let appendAge = Metric(
    "kassa_partition_append_age_seconds", .gauge,
    "Time since the oldest record that the log has not confirmed was appended; 0 without one.")
  public static let resident = Metric("kassa_partition_resident_entities", .gauge, "Entities in memory.")
  public static let dirty = Metric(
    "kassa_partition_dirty_entities", .gauge, "Entities in memory that are not yet in the store.")
  public static let parked = Metric("kassa_partition_parked_checkouts", .gauge, "Checkouts waiting for an item.")
  public static let unconfirmed = Metric(
    "kassa_partition_unconfirmed_messages", .gauge,
    "Messages of checkouts that their receivers have not made durable; they pile up while one does not serve.")
  public static let dedupDrops = Metric(
    "kassa_partition_dedup_drops_total", .counter, "Messages dropped because they had been seen before.")
  public static let loads = Metric("kassa_partition_loads_total", .counter, "Queries for keys that were not in memory.")
  public static let checkpoints = Metric("kassa_partition_checkpoints_total", .counter, "Checkpoints written.")
  public static let checkpointFailures = Metric(
    "kassa_partition_checkpoint_failures_total", .counter, "Checkpoints that could not be written.")
  public static let evictions = Metric(
    "kassa_partition_evictions_total", .counter, "Entities evicted from memory because it was full.")

  /// Of partitions of orders only.
  public static let ordersRemoved = Metric(
    "kassa_orders_removed_total", .counter, "Orders removed because they were older than order-retention.")

  public static let ofPartition = [
    partitionUp, partitionStopped, epoch, recordsApplied, entriesApplied, lag, appliedOffset, checkpointedOffset,
    checkpointAge, appendAge, resident, dirty, parked, unconfirmed, dedupDrops, loads, checkpoints, checkpointFailures,
    evictions, ordersRemoved,
  ]

  public static let clockSkew = Metric(
    "kassa_clock_skew_seconds", .gauge, "How far the wall clock is ahead of the time that records get.")

  /// The metrics of the process's time.
  public static let ofClock = [clockSkew]

  /// The metrics every process has besides `ofClock`.
  public static let common = ofProcess + ofHTTP + ofLog + ofPartition
  /// All metrics.
  public static let all = common + ofClock + ofCluster
}
