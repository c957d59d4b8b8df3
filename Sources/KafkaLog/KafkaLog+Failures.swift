import CRdKafka
import EventLog
import Model
import Synchronization
import Threads

/// What becomes of commands and messages that no broker took.
extension KafkaLog {
  func fail(_ failed: [(row: PendingAppends.Row, code: rd_kafka_resp_err_t)]) {
    guard let first = failed.first else { return }
    giveUp(failed.map(\.row).filter { !$0.isMessage }, KafkaLibrary.text(first.code))
    guard let message = failed.first(where: { $0.row.isMessage }) else { return }
    // A gapless producer that lost one message must not send those behind it.
    let producer = state.withLock { state -> KafkaProducer? in
      for (row, _) in failed where row.isMessage { note(lost: row, &state) }
      return state.messages?.generation == message.row.generation ? state.messages : nil
    }
    let reason = "\(message.row.partition) did not take them: \(KafkaLibrary.text(message.code))"
    if let producer { replace(producer, reason) } else { stopSenders(reason) }
  }

  /// Notes a message that no producer has any more. Under the lock.
  private func note(lost row: PendingAppends.Row, _ state: inout State) {
    state.statistics.messagesLost += 1
    let sources = row.record.sources
    if state.lost.lose(row.number, of: sources).isEmpty { state.prefix.acknowledge(row.number) }
  }

  /// Takes a producer out of use and makes another. Short, and rare enough to be done under the lock: nothing may be
  /// appended between the two.
  func replace(_ producer: KafkaProducer, _ reason: String) {
    let (isReplaced, commands) = state.withLock { state -> (Bool, [PendingAppends.Row]) in
      let current = producer.isGapless ? state.messages : state.commands
      guard current === producer else { return (false, []) }
      producer.abandon()
      let rows = state.pending.takeAll(of: producer.generation)
      for row in rows where row.isMessage { note(lost: row, &state) }
      state.statistics.producersReplaced += 1
      let generation = state.nextGeneration
      state.nextGeneration += 1
      do throws(LogFailure) {
        let next = try KafkaProducer(
          options, isGapless: producer.isGapless, generation: generation, wake: reportsWake)
        if producer.isGapless { state.messages = next } else { state.commands = next }
      } catch {
        state.failure = state.failure ?? error
      }
      return (true, rows.filter { !$0.isMessage })
    }
    guard isReplaced else { return }
    endLater(producer)
    giveUp(commands, reason)
    if producer.isGapless { stopSenders(reason) }
    if failure != nil { for owner in owners { owner.durabilityChanged() } }
  }

  /// Ends a client where its threads may be waited for.
  private func endLater(_ producer: KafkaProducer) {
    let held = Mutex<KafkaProducer?>(producer)
    guard let thread = BackgroundThread("kafka-end", { held.withLock { $0 = nil } }) else { return }
    state.withLock { $0.ending.append(thread) }
  }

  /// Tells whoever appended these commands that their outcome is unknown.
  private func giveUp(_ rows: [PendingAppends.Row], _ reason: String) {
    var requests: [ObjectIdentifier: (owner: any LogOwner, requests: [RequestID])] = [:]
    var count = 0
    for row in rows {
      count += row.record.entries.count
      guard let owner = row.owner else { continue }
      requests[ObjectIdentifier(owner), default: (owner, [])].requests += row.record.requests
    }
    guard count > 0 else { return }
    state.withLock { $0.statistics.commandsUnknown += UInt64(count) }
    report(.commandsUnknown(count, reason: reason))
    for (owner, requests) in requests.values { owner.commandsUnknown(requests) }
  }

  /// Stops every partition that lost a message and was not told yet.
  private func stopSenders(_ reason: String) {
    let (stopped, routes) = state.withLock { state in
      let stopped = state.lost.untold.sorted()
      return (stopped, stopped.map { partition in slot(of: partition).flatMap { state.routes[$0] } })
    }
    guard !stopped.isEmpty else { return }
    report(.messagesLost(stopped, reason: reason))
    for (partition, inbox) in zip(stopped, routes) {
      let isTold = inbox?.breakOff(partition, "messages that it sent were lost: \(reason)") ?? false
      // A partition without an owner has no checkpoint under way.
      if !isTold { tell([partition]) }
    }
  }
}
