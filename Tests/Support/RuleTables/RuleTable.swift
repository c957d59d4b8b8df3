import Model
import PartitionCore

/// Runs a text table through the real loop of one partition: one event a line, what it has to lead to behind the arrow.
///
/// ```
/// create o1 alice            → created o1
/// key=k checkout o1          → send charge o1/1
/// @5000 paid o1/1            → r2 done
/// ```
/// `limits LINES WAITERS PARKED EXPIRY` and `rules VERSION` stand for what an owner says in the log. `@5000` sets the
/// time, `key=` an idempotency key, `print=` its fingerprint. The request of line n is r(n); a reply to the line's own
/// request stands without its name. Lines without an arrow, and empty ones, are comments.
public struct RuleTable<Machine: StateMachine> {
  private var loop: PartitionLoop<Machine>
  private let partition: PartitionID
  private let rules: UInt32
  private var offset: Int64 = 0
  private var messages: UInt32 = 0
  private var time: Int64 = 0
  private var line = 0

  /// - Parameters:
  ///   - limits: what the checkpoint tells of which the loop starts; nil for the initial ones.
  ///   - rules: the version that it follows.
  public init(
    _ partition: PartitionID, of count: Int = 1, limits: RuleLimits? = nil, rules: UInt32 = Rules.current
  ) {
    self.partition = partition
    self.rules = rules
    guard let partitioner = Partitioner(count: count) else { preconditionFailure("no such count of partitions") }
    let header = CheckpointHeader(
      partition: partition, offset: -1, now: .zero, rulesVersion: rules, limits: limits ?? .initial, dedup: [],
      ledger: Ledger())
    loop = PartitionLoop(
      partition: partition, partitioner: partitioner, limits: CoreLimits(),
      recovery: Recovery(header: header, pinned: []))
  }

  /// Runs the table; returns a sentence for every line that led to something else.
  public mutating func mismatches(_ table: String) -> [String] {
    var mismatches: [String] = []
    for text in table.split(separator: "\n") {
      let halves = text.split(separator: "→", maxSplits: 1, omittingEmptySubsequences: false)
      guard halves.count == 2 else { continue }
      let words = halves[0].split(separator: " ").map(String.init)
      let expected = halves[1].split(separator: " ").joined(separator: " ")
      line += 1
      let actual = run(words) ?? "a line that nobody can read"
      if actual != expected {
        mismatches.append("r\(line) \(words.joined(separator: " ")) → \(actual), not \(expected)")
      }
    }
    return mismatches
  }

  private mutating func run(_ words: [String]) -> String? {
    var words = words[...]
    var key: String?
    var fingerprint: UInt64 = 1
    time += 1
    while let word = words.first {
      if word.hasPrefix("@") {
        time = Int64(word.dropFirst()) ?? time
      } else if word.hasPrefix("key=") {
        key = String(word.dropFirst(4))
      } else if word.hasPrefix("print=") {
        fingerprint = UInt64(word.dropFirst(6)) ?? 0
      } else {
        break
      }
      words.removeFirst()
    }
    if words.first == "show" { return show(words.dropFirst()) }
    let body: Entry.Body
    if let message = Vocabulary.message(Array(words), to: partition.service, rules: rules) {
      messages += 1
      let position = SourcePosition(offset: Int64(messages), index: 0)
      // Any source will do: there is one of each service's partition 0.
      let source = PartitionID(.payments, 0)
      body = .message(PartitionMessage(source: source, position: position, message: message))
    } else if let limits = Vocabulary.limits(words) {
      body = .control(.limits(limits))
    } else if let version = Vocabulary.rules(words) {
      body = .control(.rules(version: version))
    } else if let command = Vocabulary.command(Array(words), to: partition.service) {
      let token = key.map { IdempotencyToken(key: IdempotencyKey(unchecked: $0), fingerprint: fingerprint) }
      body = .command(ClientCommand(request: request, idempotency: token, trace: nil, command: command))
    } else {
      return nil
    }
    return apply(Entry(time: Timestamp(milliseconds: time), body: body))
  }

  private var request: RequestID { RequestID(incarnation: 1, lane: 0, number: UInt64(line)) }

  private mutating func apply(_ entry: Entry) -> String {
    loop.deliver(
      Delivery(
        partition: partition, offset: offset, position: .zero, content: .record(Record(entries: [entry]))))
    offset += 1
    var effects = Effects()
    while loop.canStep {
      loop.step(into: &effects)
      load(into: &effects)
    }
    if case .stopped(_, let reason) = loop.status { return "stopped: \(reason)" }
    let replies = effects.replies.map { Rendering.text($0.reply, asIn: request) }
    let sent = effects.messages.map { Rendering.text($0) }
    let all = replies + sent
    return all.isEmpty ? "nothing" : all.joined(separator: ", ")
  }

  private mutating func load(into effects: inout Effects) {
    let keys = loop.keysToLoad()
    if !keys.isEmpty { loop.loaded(keys.map { EntityChange(key: $0, value: nil) }, into: &effects) }
  }

  private mutating func show(_ words: ArraySlice<String>) -> String? {
    guard let query = Vocabulary.query(Array(words)) else { return entity(words.joined(separator: " ")) }
    var effects = Effects()
    _ = loop.read(query, for: request, into: &effects)
    load(into: &effects)
    return effects.answers.first.map { Rendering.text($0.view) }
  }

  /// What is kept of an entity, for what no query shows.
  private func entity(_ name: String) -> String? {
    var found: String?
    loop.forEachEntity { key, entity in
      if case .user(let id) = key, name == "account \(id)", case .user(let user) = entity {
        found =
          "\(user.credit) of \(user.deposited), \(user.spent) spent, \(user.spentWithoutOrder) without an order"
      }
      if case .order(let id) = key, name == "change \(id)", case .order(let order) = entity {
        found = order.changedAt.map { "\($0.milliseconds)" } ?? "unknown"
      }
      if case .item(let id) = key, name == "stock \(id)", case .item(let item) = entity {
        let parked = item.parked.isEmpty ? "" : " parked \(item.parked.map(Rendering.text).joined(separator: " "))"
        found = "\(item.available) available \(item.held) held \(item.sold) sold of \(item.received)\(parked)"
      }
    }
    if name == "ledger" {
      let ledger = loop.machine.ledger
      return "\(ledger.removedOrders) removed, \(ledger.removedCheckouts) paid for \(ledger.removedMoney)"
    }
    return found
  }
}
