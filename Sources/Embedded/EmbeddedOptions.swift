import EventLog
import SQLiteLog
import SQLiteStore
import Serving
import Settings

/// The settings that only the embedded mode has, as each part wants them.
struct EmbeddedOptions {
  let log: SQLiteLog.Options
  let store = SQLiteStore.Options()

  /// - Throws: `ConfigurationError`.
  init(_ settings: ServeSettings) throws {
    var log = SQLiteLog.Options()
    log.limits.queuedRecordsMax = settings.eventLogQueuedRecordsMax
    log.limits.queuedBytesMax = settings.eventLogQueuedBytesMax
    // A shorter queue than a group begins one as soon as it is full.
    log.limits.groupRecordsDue = min(log.limits.groupRecordsDue, settings.eventLogQueuedRecordsMax)
    if settings.eventLogRetention == .keep { log.retention = .keepAll }
    self.log = log
    if let contradiction = log.contradiction ?? store.contradiction { throw ConfigurationError(contradiction) }
  }
}
