import Model
import PartitionCore
import Streams
import Tenancy

// What pods do on their own: turns, appends, reading the log, calling the store, looking around.

extension Fleet {
  /// The owner's time: its pod's clock, right or wrong.
  func time(of pod: FleetPod) -> Timestamp { Timestamp(milliseconds: max(0, clock + age + pod.skew)) }

  func turn() {
    guard let pod = random.pick(pods.filter { isAwake($0) }) else { return }
    for (slot, seat) in pod.seats.enumerated() {
      guard let seat, seat.tenancy.ending == nil, random.percent(70) else { continue }
      var actions = TenancyActions()
      seat.tenancy.unserved = stopped
      seat.tenancy.turn(at: time(of: pod), now: clock, into: &actions)
      perform(actions, pod, slot, seat)
    }
  }

  // MARK: The log

  /// One append reaches its log or does not, and its owner hears of it or does not.
  func appendNext() {
    // One owner's appends keep their order.
    var seen: Set<OwnerSlot> = []
    let first = appends.indices.filter {
      seen.insert(OwnerSlot(owner: appends[$0].owner, slot: appends[$0].slot)).inserted
    }
    guard !first.isEmpty else { return }
    let place = first[random.below(first.count)]
    let append = appends[place]
    let pod = pods[append.pod]
    let isAlive = pod.run == append.run
    if isAlive, cutFromLog[append.pod] > clock, !isResting { return }
    // If a log has lost records, the same number of repetitions would hide the loss until the next takeover.
    let isUnknown = !isResting && amputated == nil && random.percent(swarm.appendUnknownPercent)
    guard isUnknown else {
      appends.remove(at: place)
      confirm(append, at: write(append))
      return
    }
    tally.unknownAppends += 1
    switch random.below(4) {
    case 0:
      // It is written, but nobody says so.
      appends.remove(at: place)
      _ = write(append)
      confirm(append, at: nil)
    case 1:
      // A producer's repeat.
      appends.remove(at: place)
      _ = write(append)
      let again = write(append)
      tally.repeatedAppends += 1
      confirm(append, at: random.percent(50) ? again : nil)
    case 2:
      // It is never written.
      appends.remove(at: place)
      confirm(append, at: bug.is(.replyBeforeDurable) ? logs[append.slot].end : nil)
    default:
      // It is given up, and written later.
      confirm(append, at: nil)
    }
  }

  private struct OwnerSlot: Hashable {
    let owner: OwnerID
    let slot: Int
  }

  /// Appends a record, and passes it to the auditor if it counts.
  private func write(_ append: FleetAppend) -> Int64 {
    let offset = logs[append.slot].append(inBytes(append), at: clock)
    if random.percent(70) || isResting { logs[append.slot].showAll() }
    let (counts, breach) = filters[append.slot].counts(append.record)
    if let breach, amputated != append.slot { fail("\(layout.partitions[append.slot]): \(breach)") }
    hash.fold(UInt64(append.slot) &* 31 &+ (counts ? 1 : 0))
    guard counts else {
      tally.voidRecords += 1
      return offset
    }
    tally.records += 1
    guard case .turn(let record) = append.record else { return offset }
    logs[append.slot].count(offset)
    if record.time < newestTime[append.slot] { fail("\(layout.partitions[append.slot]): time runs backwards") }
    newestTime[append.slot] = max(newestTime[append.slot], record.time)
    auditor.read(record, of: layout.partitions[append.slot], setAside: store.quarantined[append.slot])
    return offset
  }

  /// The record as the log keeps it.
  private func inBytes(_ append: FleetAppend) -> LogRecord {
    do { return try Bytes.same(append.record) } catch {
      fail("a record of \(layout.partitions[append.slot]) cannot be read: \(error)")
      return append.record
    }
  }

  /// Reports an append's result to its owner, if that is awake.
  private func confirm(_ append: FleetAppend, at offset: Int64?) {
    guard case .turn(let record) = append.record else { return }
    confirmations.append((append.pod, append.run, append.slot, append.owner, record.number, offset))
  }

  private func bringConfirmations(to pod: FleetPod) {
    let mine = confirmations.filter { $0.pod == pod.index }
    guard !mine.isEmpty else { return }
    confirmations.removeAll { $0.pod == pod.index }
    for word in mine where word.run == pod.run {
      guard let seat = pod.seats[word.slot], seat.tenancy.owner == word.owner else { continue }
      var actions = TenancyActions()
      seat.tenancy.confirmed(word.number, at: word.offset, now: clock, into: &actions)
      perform(actions, pod, word.slot, seat)
    }
  }

  /// A tenure reads the next records of its replay, or of a read back.
  func readLog() {
    guard let pod = random.pick(pods.filter { isAwake($0) }), cutFromLog[pod.index] <= clock || isResting else {
      return
    }
    bringConfirmations(to: pod)
    for (slot, seat) in pod.seats.enumerated() {
      guard let seat, seat.tenancy.ending == nil else { continue }
      if seat.tenancy.isReplaying {
        readReplay(pod, slot, seat)
      } else if seat.isReadingBack {
        readBack(pod, slot, seat)
      }
    }
  }

  private func readReplay(_ pod: FleetPod, _ slot: Int, _ seat: Seat) {
    var actions = TenancyActions()
    for _ in 0..<random.within(1...4) where Int(seat.nextOffset) < logs[slot].readableEnd {
      defer { seat.nextOffset += 1 }
      if seat.leftOut == seat.nextOffset {
        seat.hasGap = true
        continue
      }
      seat.tenancy.deliver(presented(logs[slot].records[Int(seat.nextOffset)], to: pod), at: seat.nextOffset)
    }
    seat.tenancy.advanceReplay(at: clock, into: &actions)
    perform(actions, pod, slot, seat)
    guard pod.seats[slot] === seat, seat.tenancy.ending == nil else { return }
    if seat.tenancy.isReplaying {
      // It seems to be lost, so announce it again. Whichever arrives first counts.
      if clock - seat.announcedAt > 300, !appends.contains(where: { $0.owner == seat.tenancy.owner && $0.slot == slot })
      {
        announce(slot, of: pod, seat.tenancy.owner)
      }
    } else if !seat.isAnnounced {
      notifyAll(pod, slot, seat)
    }
  }

  /// A new owner notifies everybody directly.
  func notifyAll(_ pod: FleetPod, _ slot: Int, _ seat: Seat) {
    seat.isAnnounced = true
    if seat.tenancy.owner.epoch > announced[slot]?.owner.epoch ?? 0 {
      announced[slot] = (seat.tenancy.owner, pod.index)
    }
    if !seat.tenancy.mayReveal { tally.leaseWaits += 1 }
    learn(seat.tenancy.owner, slot, at: pod.index, pod)
    for other in pods where other !== pod && random.percent(swarm.notifiedPercent) {
      send(.owned(seat.tenancy.owner, slot, pod: pod.index), from: pod, to: other.index)
    }
  }

  private func readBack(_ pod: FleetPod, _ slot: Int, _ seat: Seat) {
    var actions = TenancyActions()
    seat.isReadingBack = false
    for _ in 0..<random.within(1...4) where Int(seat.nextOffset) < logs[slot].readableEnd {
      seat.tenancy.readBack(logs[slot].records[Int(seat.nextOffset)], at: seat.nextOffset, now: clock, into: &actions)
      seat.nextOffset += 1
    }
    if Int(seat.nextOffset) < logs[slot].readableEnd {
      seat.isReadingBack = true
    } else {
      seat.tenancy.readBackEnded(at: Int64(logs[slot].readableEnd), now: clock, into: &actions)
    }
    perform(actions, pod, slot, seat)
  }

  // MARK: Looking around

  /// A pod does what its timers are for.
  func tend() {
    guard let pod = random.pick(pods.filter { isAwake($0) }) else { return }
    bringConfirmations(to: pod)
    for slot in layout.partitions.indices {
      if isResting || random.percent(10) { lookUp(slot, pod) }
      tendStream(slot, pod)
      if let seat = pod.seats[slot] {
        tendSeat(pod, slot, seat)
      } else if wanted[slot] == pod.index, cutFromLog[pod.index] <= clock, !pod.givenUp.contains(slot) {
        acquire(slot, for: pod)
      }
    }
  }

  private func tendSeat(_ pod: FleetPod, _ slot: Int, _ seat: Seat) {
    var actions = TenancyActions()
    seat.tenancy.pass(clock, into: &actions)
    if seat.repliesLost, seat.tenancy.mayReveal {
      seat.repliesLost = false
      seat.tenancy.sendRepliesAgain(into: &actions)
    }
    if random.percent(isResting ? 100 : swarm.checkpointPercent) { _ = seat.tenancy.takeCheckpoint() }
    tally.evictions += seat.tenancy.evict(downTo: .max)
    perform(actions, pod, slot, seat)
  }

  /// A pod asks owners which of its commands they have, and sends the rest.
  private func tendStream(_ slot: Int, _ pod: FleetPod) {
    // After a silence the partition may have forgotten the session.
    if clock - pod.usedAt[slot] > swarm.limits.stream.sessionLifeMilliseconds / 4, pod.streams[slot].numbered > 0,
      pod.streams[slot].count == pod.streams[slot].unnumberedCount
    {
      openSession(slot, pod)
    }
    guard let known = pod.owners[slot], !pod.streams[slot].isEmpty else { return }
    pod.usedAt[slot] = clock
    if pod.streams[slot].owner != known.owner {
      guard pod.greetingsAsked[slot] != known.owner else { return }
      pod.greetingsAsked[slot] = known.owner
      return send(.hello(pod.streams[slot].source, slot, known.owner, asker: 0), from: pod, to: known.pod)
    }
    while let frame = pod.streams[slot].nextFrame() { send(.commands(frame), from: pod, to: known.pod) }
  }

  /// The map of owners, as the announcements topic would show it.
  private func lookUp(_ slot: Int, _ pod: FleetPod) {
    guard cutFromLog[pod.index] <= clock, let newest = announced[slot] else { return }
    noticeSuccessor(newest.owner, slot, pod)
    guard newest.owner.epoch > pod.goneEpochs[slot] else { return }
    learn(newest.owner, slot, at: newest.pod, pod)
  }
}
