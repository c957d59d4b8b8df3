import Model
import Runtime

/// Whether the process can serve, and every reason why not.
struct Readiness: Hashable {
  let isReady: Bool
  /// False until the log was replayed for the first time; a stopping process counts as started.
  let isStarted: Bool
  /// One reason per line.
  let reasons: [String]

  /// The most partitions listed by name; the others are counted.
  static let partitionsNamedMax = 16

  /// - Parameters:
  ///   - report: nil if a lane did not answer in time.
  init(_ report: RuntimeReport?, _ sources: OperatorSources) {
    guard let report else {
      isReady = false
      isStarted = false
      reasons = ["a lane did not answer in time"]
      return
    }
    var reasons: [String] = []
    switch report.phase {
    case .starting: reasons.append("starting")
    case .running:
      if sources.isLeaving() { reasons.append("about to stop: requests are served until drain-delay is over") }
    case .stopping: reasons.append("stopping")
    }
    if let failure = report.logFailure { reasons.append("the log takes no more records: \(failure)") }
    if let failure = report.storeFailure {
      reasons.append("the store no longer works until a new process opens it: \(failure)")
    }
    if let reason = sources.cutOff(report.partitions.map(\.appendAgeMilliseconds).max() ?? 0) { reasons.append(reason) }
    let waiting = report.partitions.compactMap { partition -> String? in
      if case .waitingForStore(let reason) = partition.status { reason } else { nil }
    }
    if let reason = waiting.first {
      reasons.append("\(waiting.count) of \(report.partitions.count) partitions wait for the store: \(reason)")
    }
    let failing = report.pending.compactMap { takeover in takeover.reason.map { (takeover.partition, $0) } }
    if let (partition, reason) = failing.first {
      reasons.append("\(failing.count) partitions cannot be taken over yet: \(partition): \(reason)")
    }
    let replaying = report.partitions.filter { $0.status == .replaying }
    // Later a replaying partition just changed its owner: its requests wait, and all others are served.
    if !replaying.isEmpty, report.phase == .starting {
      let names = replaying.prefix(Self.partitionsNamedMax).map(\.partition.description).joined(separator: " ")
      let more = replaying.count > Self.partitionsNamedMax ? " and more" : ""
      reasons.append("replaying \(replaying.count) of \(report.partitions.count) partitions: \(names)\(more)")
    }
    var stopped = 0
    for partition in report.partitions {
      guard case .stopped(let offset, let reason) = partition.status else { continue }
      stopped += 1
      if stopped <= Self.partitionsNamedMax {
        reasons.append("\(partition.partition) is stopped at offset \(offset): \(reason)")
      }
    }
    if stopped > Self.partitionsNamedMax { reasons.append("\(stopped) partitions are stopped in total") }
    self.reasons = reasons
    isReady = reasons.isEmpty
    isStarted = report.phase != .starting
  }
}
