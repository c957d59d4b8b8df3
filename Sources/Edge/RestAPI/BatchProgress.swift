import Model

/// How far a long `batch_init` has come, for the server's log: its client hears nothing before the end.
package struct BatchProgress: Hashable, Sendable {
  /// How often a batch tells, in milliseconds; one that is over sooner tells nothing.
  package static let intervalMilliseconds: Int64 = 5_000

  package let requestID: String
  package let service: Service
  /// How many of its entities have been made, in proportion to the commands that have returned.
  package let entities: Int64
  package let entitiesInAll: Int64
  /// Since the request arrived.
  package let milliseconds: Int64
  /// It is the batch's last word: it was answered, refused or abandoned.
  package let isOver: Bool
}

extension RestAPI {
  /// Tells how far a batch is, if that is due.
  func tellProgress(_ exchange: UInt64, nowMilliseconds now: Int64) {
    guard let batch = batches[exchange], batch.tellsAt(orBefore: now) else { return }
    batches[exchange]?.toldMilliseconds = now
    tell(batch, at: now, isOver: false)
  }

  /// Tells that a batch is over, if it was told of before.
  func tellEnd(of batch: BatchRun) {
    if batch.toldMilliseconds != nil { tell(batch, at: microseconds() / 1_000, isOver: true) }
  }

  private func tell(_ batch: BatchRun, at now: Int64, isOver: Bool) {
    onBatchProgress?(
      BatchProgress(
        requestID: requestID(of: batch.origin.exchange), service: batch.plan.service, entities: batch.entitiesDone,
        entitiesInAll: batch.plan.count, milliseconds: now - batch.startedMilliseconds, isOver: isOver))
  }
}
