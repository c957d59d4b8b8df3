import Audit
import Ports
import Model
import PartitionCore
import Streams
import Telemetry
import Tenancy

/// A log record as text for an operator.
enum RecordText {
  static func describe(_ record: JudgedRecord) -> String {
    let standing = row("counts", describe(record.standing))
    switch record.content {
    case .undecodable(let reason): return row("record", "cannot be decoded: \(reason)") + standing
    case .record(.owned(let owner)):
      return row("record", "a new owner at \(owner.address)")
        + row("owner", describe(OwnerID(epoch: owner.epoch, run: owner.incarnation))) + standing
    case .record(.turn(let turn)):
      return row("record", "number \(turn.number)") + row("owner", describe(turn.owner))
        + row("time", describe(turn.time)) + standing
        + turn.controls.map { row("control", describe($0)) }.joined()
        + turn.entries.enumerated().map { row("entry \($0)", describe($1)) }.joined()
    }
  }

  static func row(_ name: String, _ value: String) -> String {
    name + String(repeating: " ", count: max(1, 12 - name.count)) + value + "\n"
  }

  static func describe(_ owner: OwnerID) -> String {
    "epoch \(owner.epoch), run \(String(owner.run, radix: 16))"
  }

  static func describe(_ time: Timestamp) -> String { UTCTime(milliseconds: time.milliseconds).description }

  static func describe(_ standing: JudgedRecord.Standing) -> String {
    switch standing {
    case .counted: "yes"
    case .void(let reason): "no: \(reason.rawValue)"
    case .broken(let offset, let reason): "no: the partition stops at offset \(offset): \(reason)"
    case .stored: "unknown: the log does not begin with the partition's first record, and the store includes this one"
    }
  }

  private static func describe(_ control: Control) -> String {
    switch control {
    case .rules(let version): "rules \(version)"
    case .limits(let limits):
      "limits: \(limits.orderLinesMax) lines per order, \(limits.orderWaitersMax) waiting for an order, "
        + "\(limits.itemParkedMax) for an item, idempotency keys for \(limits.idempotencyExpiryMilliseconds) ms"
    case .released(let epoch): "epoch \(epoch) has ended"
    case .owned, .tick: "\(control)"
    }
  }

  static func describe(_ entry: LoggedInput) -> String {
    let origin = entry.origin.map { "number \($0.number) of \($0.source): " } ?? ""
    switch entry.body {
    case .command(let command):
      let key = command.idempotency.map { ", key \($0.key.text)" } ?? ""
      return origin + "command of request \(command.request)\(key): \(command.command)"
    case .message(let message): return origin + "message: \(message)"
    case .skip(let request, let reason):
      let whose = request.map { " of request \($0)" } ?? ""
      return origin + "skipped\(whose): \(describe(reason))"
    }
  }

  static func describe(_ outcome: Outcome) -> String {
    switch outcome {
    case .done: "done"
    case .created(let id): "\(id) was created"
    case .total(let money): "the order costs \(money)"
    case .changed(let count): "\(count) are different now"
    case .refused(let refusal): "refused: \(refusal)"
    }
  }

  static func describe(_ reason: SkipReason) -> String {
    switch reason {
    case .overloaded: "too many changes waited for a checkpoint"
    case .expired: "its client had given up"
    case .setAside: "an operator set it aside"
    case .undecidable: "a partition that it needed did not serve"
    case .unreadable: "the ingest topic has no command for this partition there"
    }
  }
}
