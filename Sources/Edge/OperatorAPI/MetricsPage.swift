import Model
import Runtime
import Telemetry

/// Everything that `/metrics` shows.
enum MetricsPage {
  /// - Parameter report: nil if a lane did not answer in time; then the partitions are left out.
  static func bytes(_ report: RuntimeReport?, _ sources: OperatorSources, _ process: ProcessFigures) -> [UInt8] {
    var text = PrometheusText()
    write(report, sources, process, to: &text)
    writeRequests(sources, to: &text)
    if let log = sources.log?() { write(log, to: &text) }
    if let report { write(report.partitions, to: &text) }
    for write in sources.metrics { write(&text) }
    return text.bytes
  }

  private static func write(
    _ report: RuntimeReport?, _ sources: OperatorSources, _ process: ProcessFigures, to text: inout PrometheusText
  ) {
    text.header(.buildInfo)
    text.sample(.buildInfo, 1, [("version", sources.version)])
    text.header(.cpu)
    text.sample(.cpu, seconds: process.cpuSeconds)
    text.header(.residentBytes)
    text.sample(.residentBytes, process.residentBytes)
    text.header(.virtualBytes)
    text.sample(.virtualBytes, process.virtualBytes)
    text.header(.openDescriptors)
    text.sample(.openDescriptors, process.openDescriptors)
    text.header(.descriptorsMax)
    text.sample(.descriptorsMax, process.descriptorsMax)
    text.header(.startTime)
    text.sample(.startTime, seconds: Double(sources.startedMilliseconds) / 1_000)
    text.header(.ready)
    text.sample(.ready, Readiness(report, sources).isReady ? 1 : 0)
    guard let report else { return }
    text.header(.requestsWaiting)
    text.sample(.requestsWaiting, report.requestsWaiting)
    text.header(.takeoversPending)
    text.sample(.takeoversPending, report.pending.count)
    text.header(.takeoversFailing)
    text.sample(.takeoversFailing, report.pending.count { $0.reason != nil })
  }

  private static func writeRequests(_ sources: OperatorSources, to text: inout PrometheusText) {
    text.header(.requestDuration)
    for series in RequestTotals(of: sources.requests).series {
      text.histogram(
        .requestDuration, [("route", series.route.description), ("status", series.statusClass.description)],
        boundsMicroseconds: RequestMetrics.boundsMicroseconds, counts: series.counts,
        sumMicroseconds: series.sumMicroseconds)
    }
    let access = sources.accessLog?.figures ?? (lines: 0, dropped: 0)
    for (metric, value) in [(Metric.accessLines, access.lines), (.accessLinesDropped, access.dropped)] {
      text.header(metric)
      text.sample(metric, value)
    }
    guard let server = sources.server?() else { return }
    for (metric, value) in [
      (Metric.connections, server.connections), (.connectionsAccepted, server.connectionsAccepted),
      (.connectionsRefused, server.connectionsRefused), (.connectionsDisplaced, server.connectionsDisplaced),
    ] {
      text.header(metric)
      text.sample(metric, value)
    }
  }

  private static func write(_ log: LogFigures, to text: inout PrometheusText) {
    for (metric, value) in [
      (Metric.logFailed, log.isFailed ? 1 : 0), (.logAppended, log.appendedPosition),
      (.logDurable, log.durablePosition), (.logCommits, log.commits),
    ] {
      text.header(metric)
      text.sample(metric, value)
    }
  }

  private static func write(_ partitions: [PartitionReport], to text: inout PrometheusText) {
    let partitions = partitions.sorted { $0.partition < $1.partition }
    let labels = partitions.map { report -> [PrometheusText.Label] in
      [("service", report.partition.service.name.description), ("partition", String(report.partition.index))]
    }
    func write(_ metric: Metric, of service: Service? = nil, _ value: (PartitionReport) -> Int64) {
      text.header(metric)
      for (report, labels) in zip(partitions, labels)
      where service ?? report.partition.service == report.partition.service {
        text.sample(metric, value(report), labels)
      }
    }
    write(.partitionUp) { $0.status == .running ? 1 : 0 }
    write(.partitionStopped) { if case .stopped = $0.status { 1 } else { 0 } }
    write(.epoch) { Int64(clamping: $0.epoch) }
    write(.recordsApplied) { Int64(clamping: $0.recordsApplied) }
    write(.entriesApplied) { Int64(clamping: $0.entriesApplied) }
    write(.lag) { Int64($0.queuedRecords) }
    write(.appliedOffset) { $0.appliedOffset }
    write(.checkpointedOffset) { $0.checkpointedOffset }
    write(.resident) { Int64($0.residentEntities) }
    write(.dirty) { Int64($0.dirtyEntities) }
    write(.parked) { Int64($0.parkedCheckouts) }
    write(.unconfirmed) { Int64($0.unconfirmedMessages) }
    write(.dedupDrops) { Int64(clamping: $0.dedupDrops) }
    write(.loads) { Int64(clamping: $0.loads) }
    write(.checkpoints) { Int64(clamping: $0.checkpoints) }
    write(.checkpointFailures) { Int64(clamping: $0.checkpointsFailed) }
    write(.evictions) { Int64(clamping: $0.evictions) }
    write(.ordersRemoved, of: .orders) { Int64(clamping: $0.ordersRemoved) }
    func writeSeconds(_ metric: Metric, _ milliseconds: (PartitionReport) -> Int64) {
      text.header(metric)
      for (report, labels) in zip(partitions, labels) {
        text.sample(metric, seconds: Double(milliseconds(report)) / 1_000, labels)
      }
    }
    writeSeconds(.checkpointAge) { $0.checkpointAgeMilliseconds }
    writeSeconds(.appendAge) { $0.appendAgeMilliseconds }
  }
}
