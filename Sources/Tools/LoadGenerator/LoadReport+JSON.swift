extension LoadReport {
  /// The report as one JSON object. Latencies are in microseconds, times in seconds.
  public var json: String {
    let fields: [(String, String)] = [
      ("scenario", Self.quoted(configuration.scenario.rawValue)),
      ("connections", String(configuration.connectionCount)),
      ("rate_wanted", configuration.ratePerSecond.map { $0.text(3) } ?? "null"),
      ("seed", String(configuration.seed)),
      ("sound", String(isSound)),
      ("troubles", "[" + troubles.map(Self.quoted).joined(separator: ",") + "]"),
      ("answers", String(answers)),
      ("measured_seconds", measuredSeconds.text(6)),
      ("rate_per_second", ratePerSecond.text(1)),
      ("statuses", Self.object(statuses.map { (String($0), String($1)) })),
      ("latency_microseconds", Self.json(latency)),
      ("latency_by_call", Self.object(latencyByKind.map { ($0.kind.name, Self.json($0.latency)) })),
      ("failures", Self.object(failures.map { ($0.rawValue, String($1)) })),
      ("unexpected_statuses", Self.object(unexpectedStatuses.map { (String($0), String($1)) })),
      ("server_cpu_seconds", serverCPUSeconds.map { $0.text(3) } ?? "null"),
      ("generator_cpu_seconds", generatorCPUSeconds.text(3)),
      ("bytes_sent", String(bytesSent)),
      ("bytes_received", String(bytesReceived)),
      ("retries", String(retries)),
      ("reconnects", String(reconnects)),
      ("arrivals_waiting_highest", String(max(0, arrivalsWaitingHighest))),
      ("truth", truthJSON),
      ("keys", keysJSON),
      ("notes", "[" + notes.map(Self.quoted).joined(separator: ",") + "]"),
    ]
    return "{" + fields.map { "\(Self.quoted($0.0)):\($0.1)" }.joined(separator: ",") + "}"
  }

  private var truthJSON: String {
    Self.object([
      ("conserved", String(truth.isConserved)), ("orders_paid", String(truth.ordersPaid)),
      ("acknowledged", String(truth.acknowledged)), ("refused", String(truth.refused)),
      ("unknown", String(truth.unknown)), ("unknown_that_paid", String(truth.unknownThatPaid)),
      ("units_sold", String(truth.unitsSold)), ("credit_taken", String(truth.creditTaken)),
      ("broken", Self.object(truth.broken.map { ($0.rawValue, String($1)) })),
    ])
  }

  private var keysJSON: String {
    guard let keys else { return "null" }
    return Self.object([
      ("used", String(keys.used)), ("replayed", String(keys.replayed)), ("equal", String(keys.equal)),
      ("different", String(keys.different)), ("unanswered", String(keys.unanswered)), ("marked", String(keys.marked)),
    ])
  }

  private static func json(_ latency: LatencySummary) -> String {
    object([
      ("count", String(latency.count)), ("mean", latency.mean.text(1)), ("p50", String(latency.p50)),
      ("p95", String(latency.p95)), ("p99", String(latency.p99)), ("p99.9", String(latency.p999)),
      ("max", String(latency.max)),
    ])
  }

  private static func object(_ members: [(String, String)]) -> String {
    "{" + members.sorted { $0.0 < $1.0 }.map { "\(quoted($0.0)):\($0.1)" }.joined(separator: ",") + "}"
  }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case _ where scalar.value < 0x20:
        let hex = String(scalar.value, radix: 16)
        quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
