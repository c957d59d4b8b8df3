import Audit
import Model
import PartitionCore
import SQLite
import Settings

/// `kassa inspect`
enum InspectCommand {
  static let page = CommandPage(
    name: "inspect", usage: "order|item|user|partition|request ID | record PARTITION OFFSET [SETTING]…",
    summary: "show one entity, partition, record or request of a data folder or a cluster",
    text: [
      "Shows an order, an item, a user, or a partition (orders-0, stock-3, payments-7) as it is once the log has been "
        + "applied; for a partition of a data folder also its owner and what was quarantined. Read-only; a server may "
        + "be running.",
      "For a data folder also one record of a partition's log: its owner, number, time and contents, and whether it "
        + "counts or why it leaves no trace.",
      "For a request, by the X-Request-Id of its answer, every record that mentions it, with its outcome; or, instead "
        + "of an ID, by its idempotency key (--key) or its order (--order). A data folder keeps records until a "
        + "checkpoint has what they did, unless event-log-retention is keep; topics for as long as they retain them.",
      "Reads the folder of --data; or, with --mode cluster or KASSA_MODE=cluster, a cluster's topics and its three "
        + "databases, with the settings of kassa verify.",
    ],
    words: ["order", "item", "user", "partition", "record", "request"],
    options: requestOptions
      + CommandOption.settings.filter { $0.name == "data" || VerifyCommand.settings.contains($0.name) })

  static let command = Command(page: page) { arguments, program in
    let (flags, rest) = Arguments.divide(settings: arguments)
    if rest.first == "request" { return try inspectRequest(rest, flags, program) }
    if rest.first == "record" { return try inspectRecord(rest, flags, program) }
    guard rest.count == 2 else {
      throw UsageError("expected a kind and an ID: kassa \(page.name) \(page.usage)")
    }
    let (kind, id) = (rest[0], rest[1])
    let key = kind == "partition" ? nil : try key(kind, id)
    let settings = try program.environment.settings(flags).settings
    let progress = Progress("reading the log", unit: "records", total: nil, console: program.console)
    let state = try ReplayedState(try source(settings)) { progress.advance(to: $0) }
    progress.finish(state.recordsReplayed)
    guard let key else {
      program.console.say(try describe(partition: id, state))
      return .success
    }
    let partition = partition(of: key, state.source.partitioner)
    guard let entity = try state.entity(key, of: partition) else {
      program.console.complain("kassa inspect: there is no \(kind) \(id)\n")
      return .failure
    }
    program.console.say("partition   \(partition)\n" + describe(entity))
    return .success
  }

  private static func inspectRecord(
    _ words: [String], _ flags: [String], _ program: Program
  ) throws -> ExitCode {
    guard words.count == 3 else {
      throw UsageError("expected a partition and an offset: kassa \(page.name) record PARTITION OFFSET [SETTING]…")
    }
    let (name, text) = (words[1], words[2])
    guard let offset = Int64(text), offset >= 0 else {
      throw UsageError("'\(text)' is not an offset: a whole number, at least 0")
    }
    let settings = try program.environment.settings(flags).settings
    let source = try source(settings)
    guard let partition = source.partitions.first(where: { $0.description == name }) else {
      throw UsageError("there is no partition '\(name)'; orders-0 is one")
    }
    guard let record = try source.record(at: offset, of: partition) else {
      let offsets = try source.offsets(of: partition)
      let has = offsets.isEmpty ? "none" : "those from \(offsets.lowerBound) to \(offsets.upperBound - 1)"
      program.console.complain("kassa inspect: \(name) has no record at offset \(offset): it has \(has)\n")
      return .failure
    }
    program.console.say(RecordText.describe(record))
    return .success
  }

  static func source(_ settings: ServeSettings) throws -> any AuditSource {
    if settings.mode == .cluster { return try VerifyCommand.clusterSource(settings) }
    return try FolderSource(path: settings.dataFolder)
  }

  private static func key(_ kind: String, _ id: String) throws(UsageError) -> EntityKey {
    let wrong = UsageError("'\(id)' is not an id: 1 to 64 of A–Z a–z 0–9 _ -")
    switch kind {
    case "order":
      guard let id = OrderID(validating: id) else { throw wrong }
      return .order(id)
    case "item":
      guard let id = ItemID(validating: id) else { throw wrong }
      return .item(id)
    case "user":
      guard let id = UserID(validating: id) else { throw wrong }
      return .user(id)
    default:
      throw UsageError("'\(kind)' cannot be inspected; order, item, user, partition, record and request can")
    }
  }

  private static func partition(of key: EntityKey, _ partitioner: Partitioner) -> PartitionID {
    switch key {
    case .item(let id): partitioner.partition(of: id)
    case .user(let id), .payment(let id, _): partitioner.partition(of: id)
    case .order(let id): partitioner.partition(of: id)
    case .hold(let attempt): partitioner.partition(of: attempt.order)
    case .idempotency: PartitionID(.orders, 0)
    }
  }

  /// The number of an order's newest checkout. Under newer rules its partition counts them, from 2^32 on.
  static func describe(attempt: UInt64) -> String {
    if attempt == 0 { return "none" }
    let base = AttemptID.ofOrderMax
    return attempt > base ? "\(attempt), number \(attempt - base) of the partition" : "\(attempt)"
  }

  private static func describe(_ entity: Entity) -> String {
    switch entity {
    case .order(let order):
      let lines = order.lines.map { "  \($0.quantity) × \($0.item) at \($0.price)\n" }.joined()
      return "user        \(order.user)\nstatus      \(order.status)\nattempt     \(describe(attempt: order.attempt))\n"
        + "lines\n\(lines)"
    case .item(let item):
      return """
        price       \(item.price)
        available   \(item.available)
        held        \(item.held)
        sold        \(item.sold)
        received    \(item.received)
        waiting     \(item.parked.count) checkouts

        """
    case .user(let user):
      return "credit      \(user.credit)\ndeposited   \(user.deposited)\nspent       \(user.spent)\n"
    case .hold, .payment, .idempotency:
      return "\(entity)\n"
    }
  }

  private static func describe(partition name: String, _ state: ReplayedState) throws -> String {
    guard let partition = state.partitions.first(where: { $0.description == name }) else {
      throw UsageError("there is no partition '\(name)'; orders-0 is one")
    }
    let ledger = state.ledger(of: partition)
    let status: String =
      switch state.status(of: partition) {
      case .running: "running"
      case .stopped(let offset, let reason): "stopped at offset \(offset): \(reason)"
      case .broken(let offset, let reason): "broken off at offset \(offset): \(reason)"
      case .superseded(let offset, let epoch): "taken over at offset \(offset) by epoch \(epoch)"
      }
    let poison =
      state.poisonousEntry(of: partition).map { entry in
        let number = state.header(of: partition)?.number ?? 0
        return RecordText.row("poison", "entry \(entry) of record number \(number + 1)")
      } ?? ""
    return RecordText.row("status", status) + poison + """
      stored      through offset \(state.headers[partition]?.offset ?? -1)
      log         through offset \(state.appliedOffset(of: partition))
      checkouts   \(ledger.checkouts)
      money       \(ledger.checkoutMoney)
      units       \(ledger.unitsSold)

      """ + tenure(of: partition, state) + (try quarantined(of: partition, state))
  }

  /// A folder keeps what was set aside, a cluster's database only its number: the record is in the topic.
  private static func quarantined(of partition: PartitionID, _ state: ReplayedState) throws -> String {
    if let folder = state.source as? FolderSource {
      return try folder.quarantinedRecords(of: partition).map(describe).joined()
    }
    return try state.source.recovery(of: partition).quarantined.sorted()
      .map { RecordText.row("quarantined", "record number \($0)") }.joined()
  }

  /// The newest record's owner; empty if there is none.
  private static func tenure(of partition: PartitionID, _ state: ReplayedState) -> String {
    guard let header = state.header(of: partition), let owner = header.owner else { return "" }
    return RecordText.row("owner", RecordText.describe(owner)) + RecordText.row("record", "number \(header.number)")
      + RecordText.row("time", RecordText.describe(header.now))
      + RecordText.row("void", "\(state.voidRecords(of: partition)) records after the checkpoint leave no trace")
  }

  /// Only the first bytes; the table `quarantined` of log.sqlite has all.
  private static func describe(_ record: QuarantinedRecord) -> String {
    let digits = record.bytes.prefix(shownBytesMax).map { byte in
      (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
    let more = record.bytes.count > shownBytesMax ? "…" : ""
    return "quarantined offset \(record.offset), \(record.bytes.count) bytes: \(digits.joined())\(more)\n"
      + record.reason.split(separator: "\n").map { "            \($0)\n" }.joined()
  }

  private static let shownBytesMax = 64
}
