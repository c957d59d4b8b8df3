import Model

/// How far a long `batch_init` has come, for the server's log: its client hears nothing before the end.
package struct BatchProgress: Hashable, Sendable {
  /// How often a batch reports its progress, in milliseconds; one that ends sooner reports nothing.
  package static let intervalMilliseconds: Int64 = 5_000

  package let requestID: String
  package let service: Service
  /// How many of its entities have been made, in proportion to the commands that have returned.
  package let entities: Int64
  package let entitiesInAll: Int64
  /// Since the request arrived.
  package let milliseconds: Int64
  /// It is the batch's last report: it was answered, refused or abandoned.
  package let isOver: Bool
}

extension RestAPI {
  /// Reports how far a batch is, if a report is due.
  func reportProgress(_ exchange: UInt64, nowMilliseconds now: Int64) {
    guard let batch = batches[exchange], batch.isReportDue(at: now) else { return }
    batches[exchange]?.reportedMilliseconds = now
    report(batch, at: now, isOver: false)
  }

  /// Reports the end of a batch, if its progress was reported before.
  func reportEnd(of batch: BatchRun) {
    if batch.reportedMilliseconds != nil { report(batch, at: microseconds() / 1_000, isOver: true) }
  }

  private func report(_ batch: BatchRun, at now: Int64, isOver: Bool) {
    onBatchProgress?(
      BatchProgress(
        requestID: requestID(of: batch.origin.exchange), service: batch.plan.service, entities: batch.entitiesDone,
        entitiesInAll: batch.plan.count, milliseconds: now - batch.startedMilliseconds, isOver: isOver))
  }
}
