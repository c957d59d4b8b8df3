import Audit
import Callers
import Model
import PartitionCore
import Settings
import Telemetry

/// `kassa inspect request`: what a request did, by its id, its idempotency key or its order.
extension InspectCommand {
  /// Its own options; the others are settings.
  static let requestOptions = [
    CommandOption(
      "key", "KEY", "inspect request: the idempotency key under which it was sent",
      details: "A caller with an API key has its own keys: name it with --caller."),
    CommandOption("caller", "ID", "inspect request: the id of the API key whose idempotency key --key is"),
    CommandOption(
      "order", "ORDER", "inspect request: an order; everything about it, including all steps of its checkouts"),
  ]

  static func inspectRequest(_ words: [String], _ arguments: [String], _ program: Program) throws -> ExitCode {
    var own: [String: String] = [:]
    let flags = try takeOwn(arguments, into: &own)
    let subject = try subject(words, own)
    let source = try source(try program.environment.settings(flags).settings)
    let progress = Progress("reading the log", unit: "records", total: nil, console: program.console)
    var records = 0
    let trace = try RequestTrace(of: subject, in: source) {
      records = $0
      progress.advance(to: $0)
    }
    progress.finish(records)
    program.console.say(describe(trace))
    if trace.isCut {
      program.console.complain("kassa inspect: only the first \(RequestTrace.findingsMax) are shown\n")
    }
    let total = source.partitions.count
    let gone =
      trace.shortened.isEmpty
      ? "" : "; the logs of \(trace.shortened.count) of \(total) partitions no longer have their first records"
    if trace.findings.isEmpty {
      program.console.complain("kassa inspect: the log has no record of this\(gone)\n")
    }
    return trace.findings.isEmpty && trace.keptKeys.isEmpty ? .failure : .success
  }

  /// Separates the command's own options from the settings.
  private static func takeOwn(
    _ arguments: [String], into own: inout [String: String]
  ) throws(UsageError) -> [String] {
    var settings: [String] = []
    var remaining = arguments[...]
    while let argument = remaining.popFirst() {
      let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let option = requestOptions.first(where: { $0.flag == parts[0] }) else {
        settings.append(argument)
        continue
      }
      guard let value = parts.count > 1 ? String(parts[1]) : remaining.popFirst(), !value.isEmpty else {
        throw UsageError("\(option.flag) needs a value: \(option.placeholder ?? "")")
      }
      guard own.updateValue(value, forKey: option.name) == nil else {
        throw UsageError("\(option.flag) is given twice")
      }
    }
    return settings
  }

  private static func subject(
    _ words: [String], _ own: [String: String]
  ) throws(UsageError) -> RequestTrace.Subject {
    let ways = words.count - 1 + (own["key"] == nil ? 0 : 1) + (own["order"] == nil ? 0 : 1)
    guard ways == 1 else {
      throw UsageError("expected an id, or --key, or --order: kassa \(page.name) request ID|--key KEY|--order ORDER")
    }
    if own["key"] == nil, own["caller"] != nil { throw UsageError("--caller needs --key") }
    if let text = own["order"] {
      guard let order = OrderID(validating: text) else {
        throw UsageError("'\(text)' is not an id: 1 to 64 of A–Z a–z 0–9 _ -")
      }
      return .order(order)
    }
    if let text = own["key"] {
      guard let key = IdempotencyKey(validating: text) else {
        throw UsageError("'\(text)' is not an idempotency key: 1 to \(IdempotencyKey.lengthMax) visible characters")
      }
      guard let id = own["caller"] else { return .key(key) }
      guard CallerID(id) != nil || id.hasPrefix("jwt:") else {
        throw UsageError(
          "'\(id)' is neither the id of an API key, 1 to 32 of A–Z a–z 0–9 _ -, nor jwt: and the subject of a token")
      }
      return .key(IdempotencyKey(unchecked: Caller.own(idempotencyKey: text, of: id)))
    }
    guard let request = RequestID(words[1]) else {
      throw UsageError(
        "'\(words[1])' is not the id of a request: RUN-LANE-NUMBER in hexadecimal digits, as the X-Request-Id of an "
          + "answer. The log of the server has it beside the id that a client or gateway chose, with access-log")
    }
    return .request(request)
  }

  private static func describe(_ trace: RequestTrace) -> String {
    let kept = trace.keptKeys.map { kept in
      RecordText.row("key", "known to \(kept.partition) until \(RecordText.describe(kept.record.expiry))")
        + RecordText.row("outcome", kept.record.outcome.map(RecordText.describe) ?? "none yet")
    }
    return (kept + trace.findings.map(describe)).joined(separator: "\n")
  }

  private static func describe(_ finding: RequestTrace.Finding) -> String {
    RecordText.row("record", "\(finding.partition), offset \(finding.offset), number \(finding.number)")
      + RecordText.row("time", RecordText.describe(finding.time))
      + RecordText.row("counts", RecordText.describe(finding.standing))
      + RecordText.row("entry \(finding.entry)", RecordText.describe(finding.input))
      + (finding.request == nil ? "" : RecordText.row("outcome", outcome(of: finding)))
  }

  private static func outcome(of finding: RequestTrace.Finding) -> String {
    switch (finding.reply, finding.standing) {
    case (.outcome(let reply)?, _):
      RecordText.describe(reply.outcome) + (reply.isReplayed ? ", as an earlier request under its key" : "")
    case (.skipped(_, let reason)?, _): "skipped: \(RecordText.describe(reason))"
    case (nil, .counted): "none yet"
    case (nil, .void), (nil, .broken): "none: the record does not count"
    case (nil, .stored): "unknown: the log no longer has the partition's first record, and the store includes this one"
    }
  }
}
