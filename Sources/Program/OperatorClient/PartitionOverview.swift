import JSON
import Model
import Settings

/// Every partition of a cluster or of an embedded server, as reported by one operator port and those it names.
///
/// The queried pod's map of owners says who owns what and where the owners' operator ports are; each owner reports its
/// partitions' state. The map is a hint: if an owner reports a higher epoch, that counts. If an owner cannot be
/// reached, only the map's data is shown.
public struct PartitionOverview: Hashable, Sendable {
  /// One pod of the map.
  public struct Pod: Hashable, Sendable {
    public let name: String
    public let incarnation: UInt64
    public let operatorAddress: String?
    public let role: String
    /// Partitions it owns according to the overview.
    public internal(set) var partitionCount = 0
    /// Why it could not be queried; nil if it was.
    public let failure: String?
  }

  /// One partition.
  public struct Row: Hashable, Sendable {
    public let partition: PartitionID
    /// The owner's name; nil if nobody owns it, and in embedded mode.
    public let owner: String?
    /// 0 if nobody ever owned it.
    public let epoch: UInt64
    /// The owner's state for it, or the map's; `unowned`.
    public let state: String
    public let reason: String?
    /// nil if the owner could not be queried.
    public let figures: PartitionFigures?
  }

  /// The address queried first.
  public let asked: String
  /// Empty in embedded mode.
  public private(set) var pods: [Pod] = []
  /// By partition.
  public private(set) var rows: [Row] = []
  /// The problems found: clauses for the operator.
  public private(set) var findings: [String] = []

  /// The most partitions that the findings list by name; the others are counted.
  static let partitionsNamedMax = 16

  /// Queries one operator port, and then those of the pods it knows.
  /// - Throws: `OperatorFailure` if the first gives no usable answer.
  public init(asking endpoint: Endpoint, _ client: OperatorClient) throws(OperatorFailure) {
    func failure(_ text: String) -> OperatorFailure { OperatorFailure("\(endpoint) reports no partitions: \(text)") }
    let answer: OperatorAnswer
    do throws(OperatorFailure) {
      answer = try client.get("/owners", from: [endpoint])[0].get()
    } catch {
      throw failure(error.description)
    }
    if answer.status == 404 {
      switch PodReply(client.get("/partitions", from: [endpoint])[0]) {
      case .reported(let report): self.init(embedded: report, asked: "\(endpoint)")
      case .silent(let reason): throw failure(reason)
      }
      return
    }
    if answer.status == 401 || answer.status == 403 {
      throw failure("it needs an API key with the scope operator:read: --api-key-file FILE")
    }
    guard answer.status == 200, let map = OwnersReport(answer.body) else {
      throw failure("it answers /owners with status \(answer.status), not like a pod")
    }
    self.init(asked: "\(endpoint)", map, Self.ask(map.pods, client))
  }

  /// Queries every pod that may own something.
  private static func ask(_ pods: [OwnersReport.Pod], _ client: OperatorClient) -> [UInt64: PodReply] {
    var replies: [UInt64: PodReply] = [:]
    var asked: [(pod: OwnersReport.Pod, endpoint: Endpoint)] = []
    for pod in pods where pod.role != "api" {
      if let endpoint = pod.operatorAddress.flatMap({ Endpoint($0) }) {
        asked.append((pod, endpoint))
      } else {
        replies[pod.incarnation] = .silent("it announces no address of its operator port")
      }
    }
    for (one, result) in zip(asked, client.get("/partitions", from: asked.map(\.endpoint))) {
      replies[one.pod.incarnation] = PodReply(result).by(one.pod)
    }
    return replies
  }

  // MARK: Putting together

  /// An embedded server owns everything itself.
  init(embedded report: PartitionsReport, asked: String) {
    self.asked = asked
    rows = report.partitions.sorted { $0.key < $1.key }.map { partition, reported in
      Row(
        partition: partition, owner: report.pod, epoch: reported.epoch, state: reported.status, reason: reported.reason,
        figures: reported.figures)
    }
    findings = report.failures + troubles()
  }

  /// - Parameter replies: by incarnation.
  init(asked: String, _ map: OwnersReport, _ replies: [UInt64: PodReply]) {
    self.asked = asked
    pods = map.pods.sorted { ($0.name, $0.incarnation) < ($1.name, $1.incarnation) }.map { pod in
      Pod(
        name: pod.name, incarnation: pod.incarnation, operatorAddress: pod.operatorAddress, role: pod.role,
        failure: replies[pod.incarnation]?.failure)
    }
    let places = Dictionary(uniqueKeysWithValues: pods.enumerated().map { ($1.incarnation, $0) })
    for service in Service.allCases {
      for index in 0..<UInt16(map.partitionCount) {
        let partition = PartitionID(service, index)
        let (row, incarnation) = Self.row(partition, map.owners[partition], pods, replies)
        rows.append(row)
        if let place = incarnation.flatMap({ places[$0] }) { pods[place].partitionCount += 1 }
      }
    }
    for pod in pods {
      if let failure = pod.failure, pod.partitionCount > 0 {
        let place = pod.operatorAddress.map { " at \($0)" } ?? ""
        findings.append(
          "pod \(pod.name)\(place) cannot be queried: \(failure); only the map shows its \(pod.partitionCount) "
            + "partitions"
        )
      }
      if case .reported(let report)? = replies[pod.incarnation] {
        findings += report.failures.map { "pod \(pod.name): \($0)" }
      }
    }
    findings += troubles()
  }

  /// A partition as reported with the highest epoch, and the run of the reporting pod.
  private static func row(
    _ partition: PartitionID, _ mapped: OwnersReport.Owner?, _ pods: [Pod], _ replies: [UInt64: PodReply]
  ) -> (Row, UInt64?) {
    var best: (pod: Pod, reported: PartitionsReport.Partition)?
    for pod in pods {
      guard case .reported(let report)? = replies[pod.incarnation], let reported = report.partitions[partition],
        reported.epoch > best?.reported.epoch ?? 0
      else { continue }
      best = (pod, reported)
    }
    if let best, best.reported.epoch >= mapped?.epoch ?? 0 {
      let reported = best.reported
      let row = Row(
        partition: partition, owner: best.pod.name, epoch: reported.epoch, state: reported.status,
        reason: reported.reason, figures: reported.figures)
      return (row, best.pod.incarnation)
    }
    let owner = mapped.flatMap { mapped in pods.first { $0.incarnation == mapped.incarnation } }
    let row = Row(
      partition: partition, owner: owner?.name, epoch: mapped?.epoch ?? 0,
      state: owner == nil ? "unowned" : mapped?.state ?? "unowned", reason: nil, figures: nil)
    return (row, owner?.incarnation)
  }

  /// Partitions that nobody owns, and those that do not run.
  private func troubles() -> [String] {
    let unowned = rows.filter { $0.state == "unowned" }
    var troubles: [String] = []
    if !unowned.isEmpty {
      let names = unowned.prefix(Self.partitionsNamedMax).map(\.partition.description).joined(separator: " ")
      let more = unowned.count > Self.partitionsNamedMax ? " and more" : ""
      troubles.append("\(unowned.count) partitions have no owner: \(names)\(more)")
    }
    let stuck = rows.filter { $0.state == "stopped" || $0.state == "waiting_for_store" }
    for row in stuck.prefix(Self.partitionsNamedMax) {
      let state = row.state == "stopped" ? "is stopped" : "waits for the store"
      troubles.append("\(row.partition) \(state)\(row.reason.map { ": \($0)" } ?? "")")
    }
    if stuck.count > Self.partitionsNamedMax {
      troubles.append("\(stuck.count) partitions in total are stopped or wait for the store")
    }
    let starved = rows.filter { $0.figures?.isIngestStopped == true }
    if !starved.isEmpty {
      let names = starved.prefix(Self.partitionsNamedMax).map(\.partition.description).joined(separator: " ")
      let more = starved.count > Self.partitionsNamedMax ? " and more" : ""
      troubles.append(
        "the ingest topics of \(starved.count) partitions lack the record that comes next, so nothing is taken from "
          + "them: \(names)\(more)")
    }
    return troubles
  }
}

/// A pod's report on its partitions, or why there is none.
enum PodReply: Hashable, Sendable {
  case reported(PartitionsReport)
  case silent(String)

  init(_ result: Result<OperatorAnswer, OperatorFailure>) {
    switch result {
    case .failure(let failure): self = .silent(failure.description)
    case .success(let answer):
      if answer.status == 200, let report = PartitionsReport(answer.body) {
        self = .reported(report)
      } else {
        let detail = JSONValue(answer.body)?["detail"]?.text.map { ": \($0)" } ?? ""
        self = .silent("it answers /partitions with status \(answer.status)\(detail)")
      }
    }
  }

  var failure: String? { if case .silent(let reason) = self { reason } else { nil } }

  /// The same, unless another process answered at that address.
  func by(_ pod: OwnersReport.Pod) -> PodReply {
    guard case .reported(let report) = self, report.pod != pod.name || report.incarnation != pod.incarnation else {
      return self
    }
    let other = report.pod.map { "pod \($0)\($0 == pod.name ? " of another run" : "")" } ?? "an embedded server"
    return .silent("\(other) answers there")
  }
}
