import Model
import Runtime
import Telemetry

/// The contents of `/partitions`: the reporting pod, and the whole report as JSON.
enum PartitionsPage {
  static func bytes(_ report: RuntimeReport, _ sources: OperatorSources) -> [UInt8] {
    let pod = sources.pod
    let ingest = sources.ingest?() ?? [:]
    var json = JSONWriter(reserving: 512 + report.partitions.count * 512)
    json.raw("{\"pod\":")
    if let pod { json.string(pod.name) } else { json.raw("null") }
    json.raw(",\"incarnation\":")
    // A string: not every JSON reader has 64-bit integers.
    if let pod { json.string(String(pod.incarnation)) } else { json.raw("null") }
    json.raw(",\"phase\":")
    json.string(report.phase.rawValue)
    json.raw(",\"log_failure\":")
    if let failure = report.logFailure { json.string(failure) } else { json.raw("null") }
    json.raw(",\"store_failure\":")
    if let failure = report.storeFailure { json.string(failure) } else { json.raw("null") }
    json.raw(",\"requests_waiting\":")
    json.number(Int64(report.requestsWaiting))
    json.raw(",\"pending\":[")
    for (place, takeover) in report.pending.enumerated() {
      if place > 0 { json.raw(",") }
      json.raw("{\"partition\":")
      json.string(takeover.partition.description)
      json.raw(",\"reason\":")
      if let reason = takeover.reason { json.string(reason) } else { json.raw("null") }
      json.raw("}")
    }
    json.raw("],\"partitions\":[")
    for (place, partition) in report.partitions.sorted(by: { $0.partition < $1.partition }).enumerated() {
      if place > 0 { json.raw(",") }
      write(partition, ingest[partition.partition], to: &json)
    }
    json.raw("]}")
    return json.bytes
  }

  /// - Parameter ingest: nil if other systems may write nothing, or the partition has not read its topic yet.
  private static func write(_ report: PartitionReport, _ ingest: IngestFigures?, to json: inout JSONWriter) {
    json.raw("{\"partition\":")
    json.string(report.partition.description)
    switch report.status {
    case .replaying: json.raw(",\"status\":\"replaying\"")
    case .running: json.raw(",\"status\":\"running\"")
    case .waitingForStore(let reason):
      json.raw(",\"status\":\"waiting_for_store\",\"waiting_reason\":")
      json.string(reason)
    case .stopped(let offset, let reason):
      json.raw(",\"status\":\"stopped\",\"stopped_offset\":")
      json.number(offset)
      json.raw(",\"stopped_reason\":")
      json.string(reason)
    }
    let numbers: [(StaticString, Int64)] = [
      (",\"lane\":", Int64(report.lane)),
      (",\"epoch\":", Int64(clamping: report.epoch)),
      (",\"applied_offset\":", report.appliedOffset),
      (",\"checkpointed_offset\":", report.checkpointedOffset),
      (",\"checkpoint_age_milliseconds\":", report.checkpointAgeMilliseconds),
      (",\"append_age_milliseconds\":", report.appendAgeMilliseconds),
      (",\"queued_records\":", Int64(report.queuedRecords)),
      (",\"resident_entities\":", Int64(report.residentEntities)),
      (",\"dirty_entities\":", Int64(report.dirtyEntities)),
      (",\"parked_checkouts\":", Int64(report.parkedCheckouts)),
      (",\"unconfirmed_messages\":", Int64(report.unconfirmedMessages)),
      (",\"records_applied\":", Int64(clamping: report.recordsApplied)),
      (",\"entries_applied\":", Int64(clamping: report.entriesApplied)),
      (",\"dedup_drops\":", Int64(clamping: report.dedupDrops)),
      (",\"loads\":", Int64(clamping: report.loads)),
      (",\"checkpoints\":", Int64(clamping: report.checkpoints)),
      (",\"checkpoints_failed\":", Int64(clamping: report.checkpointsFailed)),
      (",\"evictions\":", Int64(clamping: report.evictions)),
    ]
    for (name, value) in numbers {
      json.raw(name)
      json.number(value)
    }
    json.raw(",\"ingest_lag_records\":")
    if let ingest { json.number(ingest.lagRecords) } else { json.raw("null") }
    json.raw(",\"ingest_stopped\":")
    if let ingest { json.bool(ingest.isStopped) } else { json.raw("null") }
    json.raw("}")
  }
}
