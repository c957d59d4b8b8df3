import CRdKafka
import EventLog
import Model
import Synchronization

/// What the producers report: how far everything is acknowledged, and whom to tell.
extension KafkaLog {
  /// Takes the producers' delivery reports and errors, as many as there are. The first owner's lane does so on each of
  /// its turns; without an owner somebody has to call it.
  public func takeReports(by owner: (any LogOwner)? = nil) {
    let (producers, reader) = state.withLock { ([$0.commands, $0.messages].compactMap { $0 }, $0.reader) }
    for producer in producers {
      var reports: [DeliveryReport] = []
      var isFatal = false
      while reports.count < options.reportsMax,
        producer.client.nextEvent({ event in
          DeliveryReport.collect(event, into: &reports)
          isFatal = isFatal || KafkaClient.isFatal(event)
          if let news = producer.client.news(event) { report(news) }
        })
      {}
      if !reports.isEmpty { settle(reports, by: owner) }
      if isFatal { replace(producer, "the producer ended: \(producer.client.fatalText)") }
      if reports.count >= options.reportsMax { owner?.deliveriesArrived() }
    }
    reader?.takeNews(report)
  }

  /// Works through reports; `owner` looks at what they change by itself.
  func settle(_ reports: [DeliveryReport], by owner: (any LogOwner)? = nil) {
    var failed: [(row: PendingAppends.Row, code: rd_kafka_resp_err_t)] = []
    let (told, woken) = state.withLock { state -> ([any LogOwner], [any LogOwner]) in
      // Whose appends the reports are about.
      var appenders: [any LogOwner] = []
      state.statistics.reportBatches += 1
      for report in reports {
        guard let row = state.pending.take(report.tag) else { continue }
        if let appender = row.owner, !appenders.contains(where: { $0 === appender }) { appenders.append(appender) }
        guard report.code == RD_KAFKA_RESP_ERR_NO_ERROR else {
          failed.append((row, report.code))
          continue
        }
        state.statistics.recordsAcknowledged += 1
        if row.isMessage { state.prefix.acknowledge(row.number) }
        note(report.offset, of: row.partition, &state)
      }
      let isReleased = state.isHeldBack && state.pending.messageCount < options.queuedRecordsMax
      if isReleased { state.isHeldBack = false }
      let woken = state.inboxes.map(\.owner).filter { other in
        isReleased || other !== owner && appenders.contains { $0 === other } && state.pending.count(of: other) == 0
      }
      return (publishDurable(state), woken)
    }
    for other in told where other !== owner { other.durabilityChanged() }
    for owner in woken { owner.deliveriesArrived() }
    fail(failed)
  }

  /// Notes that the topic has this offset. Under the lock.
  func note(_ offset: Int64, of partition: PartitionID, _ state: inout State) {
    guard offset >= 0, offset < .max, let slot = slot(of: partition) else { return }
    let known = state.bounds[slot]
    if offset >= known?.next ?? 0 { state.bounds[slot] = LogBounds(first: known?.first ?? 0, next: offset + 1) }
  }

  /// Publishes how far everything is acknowledged; returns whom to tell. Under the lock.
  private func publishDurable(_ state: borrowing State) -> [any LogOwner] {
    guard state.prefix.end > durableNumber.load(ordering: .relaxed) else { return [] }
    durableNumber.store(state.prefix.end, ordering: .releasing)
    return state.inboxes.map(\.owner)
  }

  /// Notes that the owners of these partitions know that they are stopped.
  func tell(_ partitions: [PartitionID]) {
    let owners = state.withLock { state -> [any LogOwner] in
      for partition in partitions {
        for number in state.lost.told(partition) { state.prefix.acknowledge(number) }
      }
      return publishDurable(state)
    }
    for owner in owners { owner.durabilityChanged() }
  }
}
