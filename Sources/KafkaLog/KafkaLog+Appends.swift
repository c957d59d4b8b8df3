import CRdKafka
import EventLog
import Model
import Synchronization

/// What is appended gets a tag and, if it is a message, a number under the lock, and goes to its producer behind it.
extension KafkaLog {
  public func append(_ appends: [Append], by owner: (any LogOwner)?) throws(LogRefusal) -> LogPosition {
    var appends = appends
    while true {
      let frames = RecordFrame.make(appends, bytesMax: options.recordBytesMax)
      switch try reserve(frames, by: owner) {
      case .reserved(let reservation):
        send(frames, reservation)
        return reservation.position
      case .stopped(let sources):
        // What a stopped partition says now would shadow what it has to say again.
        appends = appends.map { Self.without(sources, $0) }.filter { !$0.record.entries.isEmpty }
      }
    }
  }

  private static func without(_ sources: Set<PartitionID>, _ append: Append) -> Append {
    Append(
      partition: append.partition, record: append.record.without(sources), isRefusable: append.isRefusable)
  }

  private struct Reservation {
    var tags: [UInt] = []
    var position = LogPosition.zero
    var commands: KafkaProducer?
    var messages: KafkaProducer?
  }

  private enum Reserving {
    case reserved(Reservation)
    /// Messages of these partitions must not go out.
    case stopped(Set<PartitionID>)
  }

  private func reserve(_ frames: [RecordFrame], by owner: (any LogOwner)?) throws(LogRefusal) -> Reserving {
    try state.withLock { state throws(LogRefusal) in
      guard state.failure == nil, let commands = state.commands, let messages = state.messages,
        frames.allSatisfy({ slot(of: $0.partition) != nil })
      else { throw .unavailable }
      if !state.lost.stopped.isEmpty {
        let stopped = state.lost.stopped.intersection(frames.reduce(into: []) { $0.formUnion($1.record.sources) })
        if !stopped.isEmpty { return .stopped(stopped) }
      }
      let isBehind =
        state.pending.count >= options.queuedRecordsMax || state.pending.byteCount >= options.queuedBytesMax
      if isBehind, !frames.contains(where: \.isMessage) { throw .backlog }
      var reservation = Reservation(commands: commands, messages: messages)
      reservation.tags.reserveCapacity(frames.count)
      for frame in frames {
        let number = frame.isMessage ? state.prefix.next() : 0
        reservation.tags.append(
          state.pending.add(
            .init(
              partition: frame.partition, record: frame.record, owner: owner, number: number,
              byteCount: frame.bytes.count,
              generation: frame.isMessage ? messages.generation : commands.generation)))
      }
      reservation.position = LogPosition(state.prefix.last)
      return .reserved(reservation)
    }
  }

  private func send(_ frames: [RecordFrame], _ reservation: Reservation) {
    var refused: [DeliveryReport] = []
    // Behind a message that is not taken none may go: its receiver would take it for a repetition later.
    var lost: rd_kafka_resp_err_t?
    for (frame, tag) in zip(frames, reservation.tags) {
      let producer = frame.isMessage ? reservation.messages : reservation.commands
      let code = frame.isMessage && lost != nil ? lost : producer?.send(frame, tag: tag)
      guard let code else { continue }
      if frame.isMessage { lost = code }
      refused.append(DeliveryReport(tag: tag, code: code, offset: -1))
    }
    if !refused.isEmpty { settle(refused) }
  }
}
