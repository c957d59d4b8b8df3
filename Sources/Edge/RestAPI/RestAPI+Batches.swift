import HTTPServer
import Model
import Runtime
import Ports
import Problems

/// `batch_init`: one request, many commands, one answer at the end.
extension RestAPI {
  func begin(_ plan: BatchPlan, _ origin: RequestOrigin, token: IdempotencyToken?) throws(Problem) {
    guard batches.count < limits.batchesMax else {
      throw Problem(.overloaded, "Too many batch_init requests are under way; nothing was changed.")
    }
    let batch = BatchRun(
      origin: origin, plan: plan, token: token,
      deadlineMilliseconds: origin.startedMicroseconds / 1_000 + limits.batchDeadlineMilliseconds,
      partitioner: port.partitioner, commandEntities: limits.batchCommandEntities)
    batches[origin.exchange.number] = batch
    pump(origin.exchange.number)
  }

  /// Submits commands of a batch while there is room, and answers it when it is over.
  private func pump(_ exchange: UInt64) {
    // An outcome that arrives before `submit` returns calls this again; the running loop sees what it changed.
    guard !isPumping else { return }
    isPumping = true
    defer { isPumping = false }
    while let batch = batches[exchange], batch.hasMoreToSubmit,
      !batch.isFull(limits.batchCommandsInFlightMax)
    {
      let next = batch.next
      lastBatchNumber &+= 1
      let number = RequestNumber.of(exchange: exchange, batchCommand: lastBatchNumber)
      // Remembered first: the outcome may arrive before `submit` returns.
      batchNumbers[number] = exchange
      batches[exchange]?.inFlight[number] = next
      do throws(RequestRefusal) {
        try port.submit(
          next.command, to: next.partition, number: number, idempotency: next.token, trace: batch.origin.trace)
        batches[exchange]?.submitted += 1
        batches[exchange]?.advance()
      } catch {
        batchNumbers[number] = nil
        batches[exchange]?.inFlight[number] = nil
        if error == .overloaded { return }
        batches[exchange]?.problem = batch.problem ?? Problem(error)
      }
    }
    if let batch = batches[exchange], batch.isFinished { end(batch, with: batch.problem) }
  }

  func batchFinished(_ number: UInt64, _ result: RequestResult) {
    guard let exchange = batchNumbers.removeValue(forKey: number) else { return }
    let part = batches[exchange]?.inFlight.removeValue(forKey: number)
    switch result {
    case .outcome(.refused(let refusal), _):
      fail(exchange, batches[exchange].map { problem(of: refusal, $0.origin) } ?? Problem(refusal))
    case .outcome(let outcome, let isReplayed):
      if case .changed(let count) = outcome {
        batches[exchange]?.changed? &+= count
      } else {
        batches[exchange]?.changed = nil
      }
      if isReplayed { batches[exchange]?.replayed += 1 }
      batches[exchange]?.finished += 1
    case .refused(.outcomeUnknown):
      fail(exchange, .outcomeUnknown(of: nil, isRepeatable: batches[exchange]?.token != nil))
    case .refused(.overloaded):
      // Retried with the next event, not immediately: the partition needs time.
      if let part { batches[exchange]?.takeBack(part) }
      return
    case .refused(let refusal): fail(exchange, Problem(refusal))
    case .view: fail(exchange, Problem(.internalError, "A command got the answer of a read."))
    }
    pump(exchange)
  }

  private func fail(_ exchange: UInt64, _ problem: Problem) {
    if batches[exchange]?.problem == nil { batches[exchange]?.problem = problem }
  }

  func expireBatches(nowMilliseconds now: Int64) {
    for (exchange, batch) in batches {
      if batch.deadlineMilliseconds <= now {
        let problem: Problem =
          batch.submitted == 0
          ? Problem(.overloaded, "The partitions were full until the deadline.")
          : .outcomeUnknown(of: nil, isRepeatable: batch.token != nil)
        end(batch, with: problem)
      } else {
        reportProgress(exchange, nowMilliseconds: now)
        pump(exchange)
      }
    }
  }

  private func end(_ batch: BatchRun, with problem: Problem?) {
    forget(batch)
    if var problem {
      if batch.submitted > 0 { problem.detail += " Part of the batch_init may have taken effect; repeat it." }
      deliver(finish(batch.origin, with: problem), batch.origin)
    } else {
      let isReplayed = batch.submitted > 0 && batch.replayed == batch.submitted
      finish(
        batch.origin, status: 200, body: batch.changed.map { SuccessBody.done(changed: $0) } ?? SuccessBody.done(),
        isReplayed: isReplayed)
    }
  }

  /// Ends a batch, whatever became of it; part of it may have taken effect.
  func forget(_ batch: BatchRun) {
    reportEnd(of: batch)
    batches[batch.origin.exchange.number] = nil
    for number in batch.inFlight.keys { batchNumbers[number] = nil }
    if batch.submitted == 0 { giveBack(batch.token) }
    if batch.plan.service == .stock { prices.removeAll() }
  }
}
