import Model
import PartitionCore
import Streams
import Tenancy

// What other systems write to the partitions' ingest logs, and what becomes of it. As the adapter does it: each owner's
// log is read from where the partition's state says, as far as the owner has room, and the refusals are written down.

extension Fleet {
  /// Commands that wait in one ingest log, at most: everything has to come to rest.
  private static let untakenMax = 16
  private static let repeatableMax = 16

  /// Another system writes a command; now and then one that it, or a client, has sent before under the same key.
  func feed() {
    var sent = random.percent(10) ? random.pick(fed + clients.repeatable) : nil
    if sent == nil {
      // Whoever creates something this way chooses the id: it may exist.
      let command = choices.command(isKeyed: true, &random, &clients.orders, number: clients.nextNumber())
      // There is no batch among them.
      guard let query = command.query else { return }
      var token: IdempotencyToken?
      if random.percent(40) {
        let number = clients.nextNumber()
        token = IdempotencyToken(key: IdempotencyKey(unchecked: "k\(number)"), fingerprint: number)
      }
      sent = FleetClients.Request(
        id: RequestID(ingested: 0), command: command, partition: query.partition(by: layout.partitioner), token: token)
    }
    guard let sent, sent.command.query != nil else { return }
    let slot = layout.slot(sent.partition)
    guard auditor.feeds[slot].untaken.count < Self.untakenMax else { return }
    if sent.token != nil {
      fed.append(sent)
      if fed.count > Self.repeatableMax { fed.removeFirst() }
    }
    let isReadable = !random.percent(5)
    let input = ingestLogs[slot].append(skipping: random.percent(20) ? random.within(1...3) : 0) { number in
      let command = ClientCommand(
        request: RequestID(ingested: number), idempotency: sent.token, trace: nil, command: sent.command)
      return LoggedInput(ingested: number, isReadable ? command : nil)
    }
    auditor.wrote(input, to: slot)
    tally.fed += 1
  }

  /// One action of the readers of ingest logs.
  func ingestWork() {
    guard swarm.hasIngest else { return }
    switch random.below(4) {
    case 0: followIngest()
    case 1: writeRefusals()
    default: deliverIngested()
    }
  }

  /// A seat whose pod reaches the brokers.
  private func seatWithBrokers(where isWanted: (Seat) -> Bool) -> (FleetPod, Int, Seat)? {
    guard let found = randomSeat(where: isWanted), isResting || cutFromLog[found.0.index] <= clock else { return nil }
    return found
  }

  /// Reads on for one owner, or from an earlier place once more.
  private func followIngest() {
    let found = seatWithBrokers { $0.tenancy.isAdmitting && !$0.tenancy.isReplaying && !$0.isIngestLeft }
    guard let (pod, slot, seat) = found else { return }
    var reading = seat.ingest ?? FleetIngestReading(after: seat.tenancy.ingestedNumber)
    defer { seat.ingest = reading }
    let log = ingestLogs[slot]
    if !isResting, random.percent(10), let old = random.pick(log.records)?.origin?.number, old <= reading.taken {
      reading.move(to: old - 1)
      tally.ingestReread += 1
    }
    if reading.taken < log.start {
      guard log.start <= log.acceptedStart || bug.is(.ingestResumesAfterGap) else {
        if !reading.isStopped { tally.ingestStopped += 1 }
        reading.isStopped = true
        return
      }
      reading.move(to: log.start)
    }
    reading.isStopped = false
    let room = min(reading.room(of: swarm.ingestUndurableMax), random.within(1...4))
    let inputs = log.records(after: reading.taken, max: room)
    guard !inputs.isEmpty else { return }
    reading.take(inputs)
    pod.ingested.append(FleetIngestEvent(slot: slot, owner: seat.tenancy.owner, inputs: inputs))
  }

  /// What was read reaches the partition, which may have another owner by now.
  private func deliverIngested() {
    guard let pod = random.pick(pods.filter { isAwake($0) && !$0.ingested.isEmpty }) else { return }
    let event = pod.ingested.removeFirst()
    guard let seat = pod.seats[event.slot], !seat.isIngestLeft else { return }
    seat.tenancy.receive(event.inputs, for: event.owner)
  }

  /// Refusals are written to where refused commands go; later their owner hears it.
  private func writeRefusals() {
    guard let (_, _, seat) = seatWithBrokers(where: { !$0.refusals.isEmpty || !$0.reported.isEmpty }) else { return }
    if !seat.reported.isEmpty, seat.refusals.isEmpty || random.percent(50) {
      for request in seat.reported { seat.tenancy.replyReceived(request) }
      seat.reported = []
      return
    }
    for refusal in seat.refusals.prefix(random.within(1...3)) {
      auditor.reported(refusal)
      seat.reported.append(refusal.request)
      tally.ingestRefused += 1
    }
    seat.refusals.removeAll { seat.reported.contains($0.request) }
  }

  /// What an owner says of its ingest log.
  func noteIngest(_ actions: TenancyActions, _ slot: Int, _ seat: Seat) {
    for word in actions.acknowledgements where word.source == .ingest {
      auditor.judgeIngested(through: word.number, by: slot)
      seat.ingest?.durable(through: word.number)
    }
    for refusal in actions.refusals {
      judge(refusal)
      let isKnown = seat.refusals.contains { $0.request == refusal.request }
      if !isKnown { seat.refusals.append(refusal) }
    }
  }

  // MARK: Faults

  /// Retention removes the oldest records of an ingest log: some that were taken, seldom some that were not.
  func retain() {
    let slot = random.below(ingestLogs.count)
    let isTooEarly = random.percent(25)
    let taken = auditor.ingested(slot)
    ingestLogs[slot].remove(before: isTooEarly ? taken + UInt64(random.within(1...4)) : taken)
  }

  /// An operator has found out what is lost, and lets partitions go on without it.
  func skipLost() {
    for pod in pods {
      for (slot, seat) in pod.seats.enumerated() where seat?.ingest?.isStopped == true {
        ingestLogs[slot].acceptLoss()
        auditor.acceptedLoss(through: ingestLogs[slot].start, of: slot)
      }
    }
  }

  // MARK: The end

  /// Why ingest logs keep a fleet from coming to rest; nil if they do not.
  var whatIsIngested: String? {
    for (slot, partition) in layout.partitions.enumerated() {
      if !auditor.hasTakenAll(of: slot) { return "the ingest log of \(partition) is never taken" }
      guard let seat = pods[wanted[slot]].seats[slot] else { continue }
      if !seat.refusals.isEmpty || !seat.reported.isEmpty { return "refusals of \(partition) are never reported" }
    }
    return nil
  }
}
