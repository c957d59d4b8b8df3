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
  func seatWithBrokers(where isWanted: (Seat) -> Bool) -> (FleetPod, Int, Seat)? {
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
}
