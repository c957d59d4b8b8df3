import Lanes
import Model
import Ports
import PartitionCore
import Streams
import Tenancy

// The commands that this lane's clients send to partitions, wherever their owners are: a stream for each partition,
// numbered from the lane's newest session with it.

extension OwnerLane {
  /// Queues a command for its partition's owner. If nothing has reached the owner's log for as long as a command may
  /// take, one more would not either: the owner is cut off from the log, or nobody owns the partition.
  func offer(_ command: ClientCommand, deadline: Int64, to partition: PartitionID) throws(RequestRefusal) {
    guard let pods, let slot = slot(of: partition) else { throw .overloaded }
    let input = StreamInput.command(command, deadline: deadline)
    let now = now
    if pods.streams[slot].sender.isEmpty {
      (pods.streams[slot].heardAt, pods.streams[slot].movedAt) = (now, now)
    } else if now - pods.streams[slot].movedAt >= shared.options.replyMilliseconds {
      throw .undecidable
    }
    guard pods.streams[slot].sender.offer(input, bytes: input.byteEstimate) else { throw .overloaded }
    pods.markToSend(slot)
  }

  /// Sends what can be sent to owners that have greeted, and asks the others where the streams are.
  func sendCommands() {
    guard let pods, !pods.toSend.isEmpty else { return }
    var due: [Int] = []
    swap(&due, &pods.toSend)
    for slot in due {
      pods.streams[slot].isToSend = false
      // It is marked again when the owner becomes known.
      guard let owner = owners[slot] else { continue }
      send(pods, slot, to: owner)
    }
  }

  private func send(_ pods: LanePods, _ slot: Int, to owner: OwnerID) {
    let partition = shared.partition(slot)
    guard pods.streams[slot].sender.owner == owner else {
      guard isToAsk(owner, last: &pods.streams[slot].asked) else { return }
      return send(.hello(pods.streams[slot].sender.source, partition, owner, asker: 0), owner, of: partition)
    }
    while let frame = pods.streams[slot].sender.nextFrame() {
      pods.streams[slot].usedAt = now
      let isHere = owner.run == shared.run
      // Pods share no clock: what travels is the time left.
      send(.commands(isHere ? frame : frame.withDeadlines { $0 - now }), owner, of: partition)
    }
  }

  /// Sends reads to the owners of their partitions.
  func sendReads() {
    guard let pods, pods.reads.hasUnsent else { return }
    for sending in pods.reads.takeSendable({ owner(of: $0) }) {
      let request = RequestID(incarnation: shared.run, lane: UInt16(index), number: sending.number)
      send(.read(sending.query, request), sending.owner, of: sending.partition)
    }
  }

  /// Called with each tick: gives up what nobody waits for, asks again after silence, and opens new sessions after a
  /// long silence.
  func tendStreams() {
    guard let pods else { return }
    let now = now
    pods.reads.expire(lane.now)
    pods.reads.retry()
    for slot in pods.streams.indices {
      guard !pods.streams[slot].sender.isEmpty else {
        // The partition may have forgotten the session by the time something arrives.
        if pods.streams[slot].sender.numbered > 0,
          now - pods.streams[slot].usedAt > pods.streams[slot].sender.limits.sessionLifeMilliseconds / 4
        {
          openSession(slot)
        }
        continue
      }
      giveUpExpired(pods, slot, now)
      if now - pods.streams[slot].heardAt > shared.options.streamSilenceMilliseconds {
        pods.streams[slot].heardAt = now
        pods.streams[slot].asked = nil
        if let owner = owners[slot] { pods.streams[slot].sender.disowned(by: owner) }
      }
      pods.markToSend(slot)
    }
    sendRepliesAgain(pods, now)
    guard index == 0 else { return }
    noteUnserved(pods)
    shared.follow(pods.map, at: lane.now)
  }

  /// Notes which partitions serve, as far as this pod knows. One lane does it for all.
  private func noteUnserved(_ pods: LanePods) {
    for slot in owners.indices {
      let partition = shared.partition(slot)
      let announced = pods.map.owner(of: partition)
      let isStopped = announced?.state == .stopped && (owners[slot]?.epoch ?? 0) <= (announced?.epoch ?? 0)
      guard isStopped || owners[slot] == nil else {
        // Whoever noted it: an owner of this pod that is gone may have stopped the partition.
        pods.ownerlessSince[slot] = nil
        shared.unserved.note(partition, isServed: true)
        continue
      }
      let since = pods.ownerlessSince[slot] ?? lane.now
      pods.ownerlessSince[slot] = since
      let isLong = lane.now - since >= UnservedPartitions.ownerlessMilliseconds
      if isStopped || isLong { shared.unserved.note(partition, isServed: false) }
    }
  }

  /// Commands that no owner has seen: they will never be executed.
  private func giveUpExpired(_ pods: LanePods, _ slot: Int, _ now: Int64) {
    let expired = pods.streams[slot].sender.withdrawUnnumbered { input in
      guard case .command(_, let deadline?) = input else { return false }
      return deadline < now
    }
    for case .command(let command, _) in expired { route(command.request, .refused(.overloaded)) }
  }

  private func sendRepliesAgain(_ pods: LanePods, _ now: Int64) {
    guard let lostAt = pods.repliesLostAt, now - lostAt > shared.options.streamSilenceMilliseconds else { return }
    pods.repliesLostAt = nil
    for place in seats.indices where !seats[place].isGone { give(.sendRepliesAgain, to: place) }
  }

  /// Begins the lane's next session with a partition. Clients waiting for what was sent in the old one never learn
  /// its outcome.
  func openSession(_ slot: Int) {
    guard let pods else { return }
    let old = pods.streams[slot].sender
    let (unknown, unsent) = old.abandoned()
    pods.streams[slot].session += 1
    pods.streams[slot].movedAt = now
    pods.streams[slot].asked = nil
    let session = Session(run: shared.run, lane: UInt16(index), number: pods.streams[slot].session)
    pods.streams[slot].sender = StreamSender(from: .session(session), to: old.destination, limits: old.limits)
    for input in unsent { _ = pods.streams[slot].sender.offer(input, bytes: input.byteEstimate) }
    for case .command(let command, _) in unknown { route(command.request, .refused(.outcomeUnknown)) }
    pods.markToSend(slot)
  }
}
