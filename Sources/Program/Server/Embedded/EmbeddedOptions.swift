import Ports
import SQLite
import Settings

/// The settings that only the embedded mode has, as each part needs them.
struct EmbeddedOptions {
  let log: SQLiteLog.Options
  let store = SQLiteStore.Options()

  /// - Throws: `ConfigurationError`.
  init(_ settings: ServeSettings) throws {
    var log = SQLiteLog.Options()
    log.limits.queuedRecordsMax = settings.eventLogQueuedRecordsMax
    log.limits.queuedBytesMax = settings.eventLogQueuedBytesMax
    // If the queue is shorter than a group, a full queue begins a group.
    log.limits.groupRecordsDue = min(log.limits.groupRecordsDue, settings.eventLogQueuedRecordsMax)
    if settings.eventLogRetention == .keep { log.retention = .keepAll }
    self.log = log
    if let contradiction = log.contradiction ?? store.contradiction { throw ConfigurationError(contradiction) }
  }
}
