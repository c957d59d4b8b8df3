extension LoadReport: CustomStringConvertible {
  /// The report as a table for people; failures come first, so that nobody reads a rate without them.
  public var description: String {
    var lines: [String] = []
    func row(_ name: String, _ value: String) {
      lines.append(name + String(repeating: " ", count: max(1, 20 - name.count)) + value)
    }
    if !isSound { lines += troubles.map { "!! " + $0 } }
    row("scenario", "\(configuration.scenario.rawValue): \(configuration.scenario.summary)")
    row("load", loadText)
    row("answers", "\(answers) in \(measuredSeconds.text(2)) s: \(ratePerSecond.text(0)) / s")
    row("statuses", statuses.isEmpty ? "none" : Self.counts(statuses.map { (String($0), $1) }))
    row("latency", Self.text(latency))
    for (kind, latency) in latencyByKind { row("  " + kind.name, Self.text(latency)) }
    row("CPU of the server", cpuText(serverCPUSeconds))
    row("CPU of the load", cpuText(generatorCPUSeconds))
    row("bytes", "\(bytesSent) sent, \(bytesReceived) received")
    if retries + reconnects > 0 { row("repeated", "\(retries) calls, \(reconnects) connections opened again") }
    if configuration.scenario != .raw {
      row(
        "checkouts",
        "\(truth.acknowledged) paid, \(truth.refused) refused, \(truth.unknown) unknown (\(truth.unknownThatPaid) paid)"
      )
      row(
        "read back", "\(truth.ordersPaid) orders paid, \(truth.unitsSold) units sold, \(truth.creditTaken) credit taken"
      )
      row("conservation", truth.isConserved ? "holds" : "BROKEN")
    }
    if let keys {
      row(
        "idempotency keys",
        "\(keys.used) used, \(keys.replayed) asked again: \(keys.equal) equal (\(keys.marked) marked as replayed), "
          + "\(keys.different) different, \(keys.unanswered) unanswered")
    }
    for note in notes { row("note", note) }
    return lines.joined(separator: "\n") + "\n"
  }

  /// The problems of the run, a sentence each; empty if it is sound.
  public var troubles: [String] {
    var troubles: [String] = []
    if failureCount > 0 {
      let counts = Self.counts(failures.map { ($0.rawValue, $1) })
      let statuses =
        unexpectedStatuses.isEmpty ? "" : " (" + Self.counts(unexpectedStatuses.map { (String($0), $1) }) + ")"
      troubles.append("\(failureCount) calls failed: \(counts)\(statuses)")
    }
    if !truth.isConserved {
      troubles.append("rules broken: " + Self.counts(truth.broken.map { ($0.rawValue, $1) }))
      troubles += truth.examples
    }
    if let keys, keys.different + keys.unanswered > 0 {
      troubles.append("\(keys.different) idempotency keys got another answer, \(keys.unanswered) got none")
    }
    if answers == 0 { troubles.append("nothing was answered in the measured time") }
    return troubles
  }

  private var loadText: String {
    let pace =
      configuration.ratePerSecond.map {
        "open loop, \($0.text(0)) arrivals / s (\(configuration.hasPoissonArrivals ? "Poisson" : "fixed")), "
          + "at most \(max(0, arrivalsWaitingHighest)) waiting"
      } ?? "closed loop"
    return "\(pace), \(configuration.connectionCount) connections, seed \(configuration.seed)"
  }

  private func cpuText(_ seconds: Double?) -> String {
    guard let seconds else { return "unknown" }
    let each = answers > 0 ? ", \((seconds * 1e6 / Double(answers)).text(1)) µs an answer" : ""
    return "\(seconds.text(2)) s\(each)"
  }

  private static func text(_ latency: LatencySummary) -> String {
    func milliseconds(_ value: Int64) -> String { (Double(value) / 1_000).text(2) }
    return "p50 \(milliseconds(latency.p50))  p95 \(milliseconds(latency.p95))  p99 \(milliseconds(latency.p99))  "
      + "p99.9 \(milliseconds(latency.p999))  max \(milliseconds(latency.max)) ms"
  }

  private static func counts(_ counts: [(String, Int)]) -> String {
    counts.sorted { $0.0 < $1.0 }.map { "\($0.1) × \($0.0)" }.joined(separator: ", ")
  }
}

extension Double {
  /// With this many decimal places.
  func text(_ places: Int) -> String {
    guard isFinite, magnitude < 1e15 else { return "?" }
    var scale = 1.0
    for _ in 0..<places { scale *= 10 }
    let scaled = Int64((magnitude * scale).rounded())
    let whole = String(scaled / Int64(scale))
    let sign = self < 0 && scaled > 0 ? "-" : ""
    guard places > 0 else { return sign + whole }
    let rest = String(scaled % Int64(scale))
    return sign + whole + "." + String(repeating: "0", count: places - rest.count) + rest
  }
}
