import Model
import Telemetry

extension PartitionOverview {
  /// A table for people. Its last column is there only if other systems may write commands.
  public var table: String {
    let hasIngest = rows.contains { $0.figures?.ingestLagRecords != nil }
    let head =
      [
        "PARTITION", "OWNER", "EPOCH", "STATE", "LAG", "CHECKPOINT AGE", "DIRTY", "PARKED", "APPLIED", "CHECKPOINTED",
      ] + (hasIngest ? ["INGEST LAG"] : [])
    let lines = [head] + rows.map { Self.cells($0) + (hasIngest ? [Self.ingest($0)] : []) }
    let widths = head.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
    return lines.map { line in
      let padded = zip(line, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
      return padded.joined(separator: "  ").trimmingSpaces + "\n"
    }.joined()
  }

  private static func cells(_ row: Row) -> [String] {
    let known = [row.partition.description, row.owner ?? "-", row.epoch == 0 ? "-" : String(row.epoch)]
    guard let figures = row.figures else {
      let state = row.owner == nil ? row.state : "\(row.state) (map)"
      return known + [state] + Array(repeating: "-", count: 6)
    }
    let numbers = [figures.dirtyEntities, figures.parkedCheckouts, figures.appliedOffset, figures.checkpointedOffset]
    return known + [row.state, String(figures.queuedRecords), seconds(figures.checkpointAgeMilliseconds)]
      + numbers.map { String($0) }
  }

  private static func ingest(_ row: Row) -> String {
    guard let lag = row.figures?.ingestLagRecords else { return "-" }
    return row.figures?.isIngestStopped == true ? "\(lag) (stopped)" : String(lag)
  }

  /// With tenths.
  private static func seconds(_ milliseconds: Int64) -> String {
    let tenths = max(0, milliseconds) / 100
    return "\(tenths / 10).\(tenths % 10) s"
  }

  /// The same for programs.
  public var json: [UInt8] {
    var json = JSONWriter(reserving: 512 + rows.count * 320)
    json.raw("{\"asked\":")
    json.string(asked)
    json.raw(",\"pods\":[")
    for (place, pod) in pods.enumerated() {
      if place > 0 { json.raw(",") }
      Self.write(pod, to: &json)
    }
    json.raw("],\"partitions\":[")
    for (place, row) in rows.enumerated() {
      if place > 0 { json.raw(",") }
      Self.write(row, to: &json)
    }
    json.raw("],\"findings\":[")
    for (place, finding) in findings.enumerated() {
      if place > 0 { json.raw(",") }
      json.string(finding)
    }
    json.raw("]}\n")
    return json.bytes
  }

  private static func write(_ pod: Pod, to json: inout JSONWriter) {
    json.raw("{\"pod\":")
    json.string(pod.name)
    json.raw(",\"incarnation\":")
    json.string(String(pod.incarnation))
    json.raw(",\"operator\":")
    json.string(orNull: pod.operatorAddress)
    json.raw(",\"role\":")
    json.string(pod.role)
    json.raw(",\"partitions\":")
    json.number(Int64(pod.partitionCount))
    json.raw(",\"failure\":")
    json.string(orNull: pod.failure)
    json.raw("}")
  }

  private static func write(_ row: Row, to json: inout JSONWriter) {
    json.raw("{\"partition\":")
    json.string(row.partition.description)
    json.raw(",\"owner\":")
    json.string(orNull: row.owner)
    json.raw(",\"epoch\":")
    json.number(row.epoch)
    json.raw(",\"state\":")
    json.string(row.state)
    json.raw(",\"reason\":")
    json.string(orNull: row.reason)
    json.raw(",\"told_by\":")
    json.string(orNull: row.figures != nil ? "owner" : row.owner != nil ? "map" : nil)
    let figures: [(StaticString, Int64?)] = [
      (",\"queued_records\":", row.figures?.queuedRecords),
      (",\"checkpoint_age_milliseconds\":", row.figures?.checkpointAgeMilliseconds),
      (",\"dirty_entities\":", row.figures?.dirtyEntities),
      (",\"parked_checkouts\":", row.figures?.parkedCheckouts),
      (",\"resident_entities\":", row.figures?.residentEntities),
      (",\"applied_offset\":", row.figures?.appliedOffset),
      (",\"checkpointed_offset\":", row.figures?.checkpointedOffset),
      (",\"ingest_lag_records\":", row.figures?.ingestLagRecords),
    ]
    for (name, value) in figures {
      json.raw(name)
      if let value { json.number(value) } else { json.raw("null") }
    }
    json.raw(",\"ingest_stopped\":")
    json.raw(row.figures?.isIngestStopped.map { $0 ? "true" : "false" } ?? "null")
    json.raw("}")
  }
}

extension JSONWriter {
  fileprivate mutating func string(orNull text: String?) { if let text { string(text) } else { raw("null") } }
}

extension String {
  fileprivate var trimmingSpaces: String {
    var text = self
    while text.last == " " { text.removeLast() }
    return text
  }
}
