import Model
import PartitionCore
import Streams
import Tenancy

// The auditor reads the durable log.

extension Auditor {
  /// Reads a record that counts.
  ///
  /// - Parameter setAside: numbers of records whose inputs are skipped if they cannot be applied.
  func read(_ record: TurnRecord, of partition: PartitionID, setAside: Set<UInt64>) {
    let slot = layout.slot(partition)
    current = Current(slot: slot, offset: Int64(record.number))
    now[slot] = max(now[slot], record.time)
    for control in record.controls {
      switch control {
      case .limits(let wanted):
        if wanted != limits[slot] { limitsChanged += 1 }
        limits[slot] = wanted
      case .rules(let version): rules[slot] = max(rules[slot], version)
      default: break
      }
    }
    for entry in record.entries {
      clocks[slot].entries[slot] += 1
      if let origin = entry.origin { receive(entry, from: origin) }
      switch entry.body {
      case .command(let command) where command.command.service == partition.service:
        if refused.contains(command.request) { fail("request \(command.request) was refused, and executed later") }
        run(command)
      case .command: break
      case .message(let message):
        guard case .partition(let source) = entry.origin?.source else { return fail("a message of nobody") }
        receive(message, from: source)
      case .skip(let request?, .overloaded), .skip(let request?, .undecidable), .skip(let request?, .unreadable):
        refused.insert(request)
        if request.isIngested { unreported.insert(request) }
      case .skip: break
      }
    }
  }

  /// Each input of a stream is in the log once, in order.
  private func receive(_ entry: LoggedInput, from origin: LoggedInput.Origin) {
    if origin.source == .ingest { return ingest(entry, origin.number) }
    let newest = numbers[current.slot][origin.source] ?? 0
    numbers[current.slot][origin.source] = origin.number
    guard origin.number != newest + 1 else { return }
    // A forgotten session starts over under another name, so nothing ever arrives twice.
    fail("\(layout.partitions[current.slot]) took input \(origin.number) of \(origin.source) after \(newest)")
  }

  /// A pod said that it does not take a request: nobody may ever take it.
  func refused(_ request: RequestID) { refused.insert(request) }

  /// Judges an owner's statement that a request was skipped.
  func judgeSkipped(_ request: RequestID) {
    if !refused.contains(request) { fail("request \(request) was called skipped before its record was durable") }
  }

  private func run(_ command: ClientCommand) {
    let slot = current.slot
    trace = command.trace
    if let token = command.idempotency, let known = keys[slot][token.key], known.expiry > now[slot] {
      if known.fingerprint != token.fingerprint {
        return answer(command.request, .refused(.idempotencyKeyReused(token.key)), token)
      }
      if let outcome = known.outcome { return answer(command.request, outcome, token, isReplayed: true) }
    }
    let waiter = Waiter(request: command.request, idempotency: command.idempotency)
    let outcome: Outcome? =
      switch command.command {
      case .orders(let command): decide(command, waiter)
      case .stock(let command): decide(command)
      case .payments(let command): decide(command)
      }
    // Nobody waits for it.
    if command.request.isSweep { return }
    if let outcome {
      finish(waiter, outcome)
    } else if let token = command.idempotency {
      keys[slot][token.key] = IdempotencyRecord(fingerprint: token.fingerprint, outcome: nil, expiry: expiry)
    }
  }

  private var expiry: Timestamp {
    Timestamp(milliseconds: now[current.slot].milliseconds + limits[current.slot].idempotencyExpiryMilliseconds)
  }

  /// A request has its outcome, and its key remembers it; an outcome that may be retried leaves no key.
  func finish(_ waiter: Waiter, _ outcome: Outcome) {
    answer(waiter.request, outcome, waiter.idempotency)
    guard let token = waiter.idempotency else { return }
    let slot = current.slot
    switch outcome {
    // The request under way may be another one with the same key; it keeps the key.
    case .refused(.tooManyJoined): break
    case .refused(.checkoutUnderWay) where rules[slot] > 1: break
    case .refused(.checkoutFailed(_, .tooManyWaiting)): keys[slot][token.key] = nil
    default:
      keys[slot][token.key] = IdempotencyRecord(fingerprint: token.fingerprint, outcome: outcome, expiry: expiry)
    }
  }

  private func answer(
    _ request: RequestID, _ outcome: Outcome, _ token: IdempotencyToken?, isReplayed: Bool = false
  ) {
    if request.isIngested, case .refused = outcome { unreported.insert(request) }
    if outcomes[request] != nil { fail("request \(request) has two outcomes") }
    outcomes[request] = Judgement(
      outcome: outcome, isReplayed: isReplayed, clock: clocks[current.slot], slot: current.slot, offset: current.offset,
      token: token)
  }

  // MARK: Messages

  /// Notes that the record being read must send a message.
  func expect(_ message: Message, to partition: PartitionID) {
    expected[layout.slot(partition)][current.slot].append(
      Expected(offset: current.offset, message: message, clock: clocks[current.slot]))
  }

  private func receive(_ message: Message, from partition: PartitionID) {
    let slot = current.slot
    let source = layout.slot(partition)
    guard let first = expected[slot][source].first,
      let place = expected[slot][source].firstIndex(where: { $0.offset == first.offset && $0.message == message })
    else {
      return fail(
        "\(partition) sent \(message); right is \(expected[slot][source].first.map { "\($0.message)" } ?? "nothing")")
    }
    clocks[slot].learn(expected[slot][source].remove(at: place).clock)
    take(message)
  }

  private func take(_ message: Message) {
    switch message {
    case .reserve(let slip, let stop): reserve(slip, stop)
    case .charge(let slip): charge(slip)
    case .paid(let attempt): end(attempt, nil)
    case .commit(let attempt): commit(attempt)
    case .release(let slip, let stop, let failure): release(slip, stop, failure)
    case .failed(let attempt, let failure): end(attempt, failure)
    case .forgetPayment(let removed): forget(removed)
    }
  }

  /// Notes what a key shows from now on.
  func touched(_ query: Query, _ view: View) {
    if history[query]?.last?.view == view { return }
    history[query, default: []].append(Version(since: clocks[current.slot].entries[current.slot], view: view))
  }

  /// The sum if it is in the range of amounts.
  static func sum(_ a: Int64, _ b: Int64) -> Int64? { a + b <= 9_007_199_254_740_991 ? a + b : nil }
}
