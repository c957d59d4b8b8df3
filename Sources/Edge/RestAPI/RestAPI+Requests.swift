import HTTPServer
import Model
import Runtime
import Ports
import Problems

/// One request, one partition: reads, commands, and the price that an addition needs first.
extension RestAPI {
  func read(_ query: Query, _ origin: RequestOrigin) throws(Problem) {
    if let view = port.look(query) { return try answer(query, with: view, origin) }
    let step = PendingRequest.Step.read(query)
    try remember(step, origin)
    do throws(RequestRefusal) {
      try port.ask(query, number: Self.number(of: origin.exchange, step: step.number))
    } catch {
      pending.remove(origin.exchange.number)
      throw Problem(error)
    }
  }

  func submit(_ command: Command, _ origin: RequestOrigin, token: IdempotencyToken?) throws(Problem) {
    try remember(.command(command, token), origin)
    try send(command, origin, token)
  }

  /// Passes a remembered command to its partition.
  private func send(_ command: Command, _ origin: RequestOrigin, _ token: IdempotencyToken?) throws(Problem) {
    guard let partition = command.partition(by: port.partitioner) else {
      pending.remove(origin.exchange.number)
      throw Problem(.internalError, "A command has no partition.")
    }
    do throws(RequestRefusal) {
      try port.submit(
        command, to: partition, number: Self.number(of: origin.exchange, step: 2), idempotency: token,
        trace: origin.trace)
    } catch {
      pending.remove(origin.exchange.number)
      throw Problem(error)
    }
  }

  /// Looks the price up, in the cache or at the stock service, then changes the line.
  func change(_ line: LineChange, _ origin: RequestOrigin, token: IdempotencyToken?) throws(Problem) {
    // Removing a line costs nothing, and the item need no longer exist.
    if line.isRemoval { return try submit(line.command(at: .zero), origin, token: token) }
    try remember(.price(line, token, .none), origin)
    let exchange = origin.exchange.number
    prices.price(of: line.item) { [weak self] answer in
      // The request may have ended by now: it expired, or its client left.
      guard let self, let request = self.pending[exchange], case .price = request.step else { return }
      self.guarded(request) { () throws(Problem) in try self.priceAnswered(answer, request) }
    }
  }

  private func priceAnswered(_ answer: PriceAnswer, _ request: PendingRequest) throws(Problem) {
    guard case .price(let line, let token, _) = request.step else { return }
    let ticket: PriceTicket
    switch answer {
    case .known(let price): return try priceLookedUp(price, request)
    case .unknown(let known): ticket = known
    }
    let step = PendingRequest.Step.price(line, token, ticket)
    pending.update(PendingRequest(origin: request.origin, step: step))
    do throws(RequestRefusal) {
      try port.ask(.item(line.item), number: Self.number(of: request.origin.exchange, step: request.step.number))
    } catch {
      throw Problem(error)
    }
  }

  /// Answers with the problem, if any.
  private func guarded(_ request: PendingRequest, _ body: () throws(Problem) -> Void) {
    do throws(Problem) {
      try body()
    } catch {
      pending.remove(request.origin.exchange.number)
      giveBack(request.step.unusedToken)
      deliver(finish(request.origin, with: error), request.origin)
    }
  }

  // MARK: RequestClient

  public func finished(_ number: UInt64, _ result: RequestResult) {
    if number & RequestNumber.batchBit != 0 {
      batchFinished(number, result)
      return
    }
    let exchange = number >> 2
    guard let request = pending[exchange], request.step.number == number & 3 else { return }
    switch request.step {
    case .read(let query): readFinished(query, request, result)
    case .price(let line, _, let ticket): priceFinished(line.item, ticket, request, result)
    case .command(let command, let token):
      pending.remove(exchange)
      commandFinished(command, token, request.origin, result)
    }
  }

  private func priceLookedUp(_ price: Money, _ request: PendingRequest) throws(Problem) {
    guard case .price(let line, let token, _) = request.step else { return }
    let command = line.command(at: price)
    pending.update(PendingRequest(origin: request.origin, step: .command(command, token)))
    try send(command, request.origin, token)
  }

  private func readFinished(_ query: Query, _ request: PendingRequest, _ result: RequestResult) {
    let origin = request.origin
    pending.remove(origin.exchange.number)
    switch result {
    case .view(let view):
      do throws(Problem) {
        try answer(query, with: view, origin)
      } catch {
        deliver(finish(origin, with: error), origin)
      }
    case .refused(let refusal):
      deliver(finish(origin, with: Problem(refusal)), origin)
    case .outcome:
      deliver(finish(origin, with: Problem(.internalError, "A read got the outcome of a command.")), origin)
    }
  }

  /// - Throws: the problem that nothing has the id.
  private func answer(_ query: Query, with view: View, _ origin: RequestOrigin) throws(Problem) {
    guard let body = SuccessBody.body(of: view, namesItems: origin.answer == .orderWithItems) else {
      throw .unknown(query)
    }
    finish(origin, status: 200, body: body)
  }

  private func priceFinished(
    _ item: ItemID, _ ticket: PriceTicket, _ request: PendingRequest, _ result: RequestResult
  ) {
    guarded(request) { () throws(Problem) in
      switch result {
      case .view(.item(let view?)):
        prices.remember(view.price, of: item, asked: ticket)
        try priceLookedUp(view.price, request)
      case .view(.item(nil)): throw .unknownItem(item)
      case .refused(let refusal): throw Problem(refusal)
      case .view, .outcome: throw Problem(.internalError, "The price came as something else.")
      }
    }
  }

  /// Follows the text of a refusal that was kept under a key.
  private static let replayedAdvice =
    " This is the outcome of an earlier request with this Idempotency-Key; a new attempt needs a new key."

  private func commandFinished(
    _ command: Command, _ token: IdempotencyToken?, _ origin: RequestOrigin, _ result: RequestResult
  ) {
    switch result {
    case .outcome(.refused(let refusal), let isReplayed):
      // The partition knows the key's request, which is another one: that may be repeated here, too.
      // "Not now" is no outcome either: the partition does not keep it.
      if refusal.leavesKeyFree { giveBack(token) }
      var problem = problem(of: refusal, origin)
      if isReplayed { problem.detail += Self.replayedAdvice }
      deliver(finish(origin, with: problem, isReplayed: isReplayed), origin)
    case .outcome(let outcome, let isReplayed):
      finish(origin, status: 200, body: SuccessBody.body(of: outcome, for: command), isReplayed: isReplayed)
    case .refused(.outcomeUnknown):
      // It was appended, or may have been: the client must not take it as undone.
      deliver(finish(origin, with: .outcomeUnknown(of: command, isRepeatable: token != nil)), origin)
    case .refused(let refusal):
      giveBack(token)
      deliver(finish(origin, with: Problem(refusal)), origin)
    case .view:
      deliver(finish(origin, with: Problem(.internalError, "A command got the answer of a read.")), origin)
    }
  }

  /// Answers every request whose deadline has passed, and resumes batches that waited for room. The lane calls it
  /// several times a second with its monotonic clock.
  public func expire(nowMilliseconds now: Int64) {
    endRequests(until: now, reads: .readTimedOut)
    expireBatches(nowMilliseconds: now)
  }

  public func logFailed() { endAll(reads: Problem(RequestRefusal.logFailed)) }

  /// Answers everything that still waits, because the process ends. A command may be in the log: a client told that
  /// it was refused would send it again, and so would a gateway.
  public func stop() { endAll(reads: Problem(RequestRefusal.stopping)) }

  private func endAll(reads problem: Problem) {
    endRequests(until: .max, reads: problem)
    expireBatches(nowMilliseconds: .max)
  }

  /// Answers those whose deadline is not later: nobody knows whether a command takes effect.
  private func endRequests(until deadlineMilliseconds: Int64, reads problem: Problem) {
    while let request = pending.removeExpired(nowMilliseconds: deadlineMilliseconds) {
      switch request.step {
      case .read, .price:
        giveBack(request.step.unusedToken)
        deliver(finish(request.origin, with: problem), request.origin)
      case .command(let command, let token):
        deliver(finish(request.origin, with: .outcomeUnknown(of: command, isRepeatable: token != nil)), request.origin)
      }
    }
  }
}

extension Refusal {
  /// Whether the request's key is not used up by this.
  var leavesKeyFree: Bool {
    if case .idempotencyKeyReused = self { return true }
    return isTransient(under: Rules.current)
  }
}

extension Problem {
  /// Says that what a query asks for does not exist.
  static func unknown(_ query: Query) -> Problem {
    switch query {
    case .order(let id): .unknownOrder(id)
    case .item(let id): .unknownItem(id)
    case .user(let id), .payment(let id, _): .unknownUser(id)
    }
  }
}
