import Model

// Commands under idempotency keys: the same request gets the same outcome.

extension PartitionLoop {
  mutating func apply(_ command: ClientCommand, in context: inout ApplyContext) throws(Poison) {
    guard command.command.service == partition.service else {
      throw Poison("a command of \(command.command.service.name) in a log of \(partition.service.name)")
    }
    if let reply = knownReply(to: command) {
      context.effects.replies.append(.init(reply: reply, revealedAt: context.position))
      return
    }
    let waiter = Waiter(request: command.request, idempotency: command.idempotency)
    if let outcome = try machine.apply(command.command, from: waiter, in: &context) {
      context.complete(waiter, outcome)
    } else if let token = command.idempotency {
      write(IdempotencyRecord(fingerprint: token.fingerprint, outcome: nil, expiry: expiry), token, context.position)
    }
  }

  /// The reply that the command's idempotency key already has. A request that is still under way has none: only
  /// a checkout can be, and the repetition joins it.
  func knownReply(to command: ClientCommand) -> Reply? {
    guard let token = command.idempotency, let known = idempotency[token.key], known.expiry > now else {
      return nil
    }
    guard known.fingerprint == token.fingerprint else {
      return Reply(request: command.request, outcome: .refused(.idempotencyKeyReused(token.key)))
    }
    return known.outcome.map { Reply(request: command.request, outcome: $0, isReplayed: true) }
  }

  var expiry: Timestamp {
    Timestamp(milliseconds: now.milliseconds + ruleLimits.idempotencyExpiryMilliseconds)
  }

  mutating func remember(
    _ outcome: Outcome, under token: IdempotencyToken?, at position: LogPosition
  ) {
    guard let token else { return }
    if case .refused(let refusal) = outcome, refusal.isTransient {
      // A request that could not join leaves the key to the one that is under way.
      if case .tooManyJoined = refusal { return }
      // The same request may do better later: the key is free again. After a recovery it need not be resident.
      idempotency.delete(token.key, at: position)
      return
    }
    let record = IdempotencyRecord(fingerprint: token.fingerprint, outcome: outcome, expiry: expiry)
    write(record, token, position)
  }

  mutating func write(_ record: IdempotencyRecord, _ token: IdempotencyToken, _ position: LogPosition) {
    idempotency.update(token.key, at: position) { $0 = record }
  }
}
