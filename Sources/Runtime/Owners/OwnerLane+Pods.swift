import Lanes
import Model
import Ports
import PartitionCore
import Streams
import Tenancy

// What pods say to each other. A lane uses the same messages with its own pod's lanes, and with itself, only over a
// shorter path. Whatever arrives is queued for its partition: nothing here enters one.

extension OwnerLane {
  // MARK: Sending

  /// Sends a message to a lane of a pod's run.
  func send(_ message: MeshMessage, _ run: UInt64, lane: UInt16) {
    guard run == shared.run else {
      pods?.outbox.put(message, to: PodOutbox.Address(run: run, lane: lane))
      return
    }
    post(.pod(message), toLane: Int(lane) % shared.options.laneCount)
  }

  /// Sends a message to the owner of a partition.
  func send(_ message: MeshMessage, _ owner: OwnerID, of partition: PartitionID) {
    send(message, owner.run, lane: partition.index)
  }

  /// Sends a message to the sender of a stream.
  func send(_ message: MeshMessage, source: StreamSource) {
    switch source {
    case .session(let session): send(message, session.run, lane: session.lane)
    case .partition(let partition): if let owner = owner(of: partition) { send(message, owner, of: partition) }
    case .ingest: break
    }
  }

  func owner(of partition: PartitionID) -> OwnerID? { slot(of: partition).flatMap { owners[$0] } }

  /// A partition's index in tables over all of them; nil if it does not exist.
  func slot(of partition: PartitionID) -> Int? { partition.slot(of: partitioner.count) }

  /// Hands over what has to go to other pods.
  func sendToPods() {
    guard let pods else { return }
    for (to, messages) in pods.outbox.take(at: lane.now, lazyMilliseconds: shared.options.lazyMilliseconds)
    where !pods.link.pods.send(messages, to: to.run, lane: to.lane) {
      notSent(messages, to: to.run)
    }
  }

  /// What was not sent is not simply repeated: streams ask where they are, reads look for an owner again.
  private func notSent(_ messages: [MeshMessage], to run: UInt64) {
    guard let pods else { return }
    for message in messages {
      switch message {
      case .read(_, let request): pods.reads.putBack(request.number)
      case .replies(let replies, let partition, let owner):
        if pods.isGone(run) {
          // Nobody waits for them now.
          if let place = seat(of: partition, owner) { give(.repliesReceived(replies.map(\.request)), to: place) }
        } else {
          pods.repliesLostAt = pods.repliesLostAt ?? now
        }
      default: break
      }
    }
    for place in owners.indices {
      if let owner = owners[place], owner.run == run { lostWay(to: owner, place) }
    }
  }

  // MARK: What partitions ask for

  /// What a partition has for the pods that asked, and for other partitions.
  func performAmongPods(at place: Int) {
    let (partition, owner) = (seats[place].id, seats[place].owner)
    if let offset = actions.readBackFrom { readBack(from: offset, at: place) }
    for word in actions.acknowledgements {
      if word.source == .ingest {
        shared.ingest?.durable(partition, by: owner, through: word.number)
      } else {
        send(.acknowledgement(word), source: word.source)
      }
    }
    if !actions.refusals.isEmpty { shared.ingest?.refuse(actions.refusals, of: partition, by: owner) }
    for word in actions.greetings { send(.greeting(word), source: word.source) }
    for word in actions.gaps { send(.gap(word), source: word.source) }
    if !actions.replies.isEmpty { send(actions.replies, of: partition, owner, at: place) }
    for (request, view) in actions.answers { answer(request, .view(view)) }
    for request in actions.refusedReads { answer(request, .refused(.overloaded)) }
    for (_, request) in actions.forwarded { forward(request) }
    if let successor = actions.releasedTo {
      send(.released(by: owner, partition, to: successor), successor, of: partition)
    }
  }

  private func send(_ replies: [CommandReply], of partition: PartitionID, _ owner: OwnerID, at place: Int) {
    var received: [RequestID] = []
    var others: [PodOutbox.Address: [CommandReply]] = [:]
    for reply in replies {
      let request = reply.request
      if request.incarnation == shared.run {
        answer(reply)
        received.append(request)
      } else {
        others[PodOutbox.Address(run: request.incarnation, lane: request.lane), default: []].append(reply)
      }
    }
    if !received.isEmpty { seats[place].entrance.repliesReceived(received) }
    for (to, replies) in others {
      for start in stride(from: 0, to: replies.count, by: shared.options.messageRepliesMax) {
        let part = replies[start..<min(replies.count, start + shared.options.messageRepliesMax)]
        send(.replies(Array(part), partition, owner), to.run, lane: to.lane)
      }
    }
  }

  /// Answers a read.
  private func answer(_ request: RequestID, _ result: RequestResult) {
    guard request.incarnation != shared.run else { return route(request, result) }
    switch result {
    case .view(let view): send(.answer(request, view), request.incarnation, lane: request.lane)
    case .refused(let refusal): send(.readRefused(request, refusal), request.incarnation, lane: request.lane)
    case .outcome: break
    }
  }

  /// Returns a read that this owner will not answer: its sender looks for the next owner.
  func forward(_ request: RequestID) { send(.readForwarded(request), request.incarnation, lane: request.lane) }

  // MARK: Receiving

  /// Reads the map if it has changed, and takes what other pods sent.
  func takeFromPods() {
    guard let pods else { return }
    if pods.followMap() { mapChanged() }
    for delivery in pods.link.pods.take(lane: UInt16(index)) { take(delivery.message, from: delivery.run) }
  }

  /// The seat of a tenure on this lane, if it has not ended.
  private func seat(of partition: PartitionID, _ owner: OwnerID) -> Int? {
    guard let place = place(of: partition), seats[place].owner == owner, !seats[place].isGone else { return nil }
    return place
  }

  func take(_ message: MeshMessage, from run: UInt64) {
    switch message {
    case .owns(let owner, let partition):
      for other in 0..<shared.options.laneCount { post(.owner(owner, partition), toLane: other) }
    case .released(let former, let partition, let owner):
      if let place = seat(of: partition, owner) { give(.predecessorReleased(former), to: place) }
    case .hello(let source, let partition, let owner, let asker):
      // Only its owner speaks for a partition: the greeting has to go there, whatever is known here so far.
      if case .partition(let source) = source, asker > 0 { heard(of: OwnerID(epoch: asker, run: run), source) }
      give(.askGreeting(source, asker: asker), to: partition, owner, for: source, from: run)
    case .commands(let frame):
      let frame = run == shared.run ? frame : frame.withDeadlines { $0.addingReportingOverflow(now).partialValue }
      give(.frame(frame), to: frame.destination, frame.owner, for: frame.source, from: run)
    case .messages(let frame):
      give(.frame(frame.asInputs), to: frame.destination, frame.owner, for: frame.source, from: run)
    case .repliesReceived(let requests, let partition, let owner):
      if let place = seat(of: partition, owner) { give(.repliesReceived(requests), to: place) }
    case .read(let query, let request): take(query, request)
    case .greeting, .acknowledgement, .gap: hear(message)
    case .notMine(let partition, let owner):
      guard let pods, let slot = slot(of: partition) else { return }
      pods.goneEpochs[slot] = max(pods.goneEpochs[slot], owner.epoch)
      forget(owner, slot)
    case .replies(let replies, let partition, let owner):
      for reply in replies { answer(reply) }
      send(.repliesReceived(replies.map(\.request), partition, owner), run, lane: partition.index)
    case .answer(let request, let view): route(request, .view(view))
    case .readForwarded(let request): pods?.reads.putBack(request.number)
    case .readRefused(let request, let refusal): route(request, .refused(refusal))
    }
  }

  /// Delivers something to a tenure; replies if it does not own the partition (any more).
  private func give(
    _ input: TenancyInput, to partition: PartitionID, _ owner: OwnerID, for source: StreamSource, from run: UInt64
  ) {
    if let place = seat(of: partition, owner) { return give(input, to: place) }
    refuse(partition, owner, source, from: run)
  }

  private func refuse(_ partition: PartitionID, _ owner: OwnerID, _ source: StreamSource, from run: UInt64) {
    let lane: UInt16 =
      switch source {
      case .session(let session): session.lane
      case .partition(let partition): partition.index
      case .ingest: 0
      }
    send(.notMine(partition, owner), run, lane: lane)
  }

  private func take(_ query: Query, _ request: RequestID) {
    let partition = query.partition(by: partitioner)
    guard let place = place(of: partition), !seats[place].isGone else {
      if let reason = place(of: partition).flatMap({ seats[$0].stopReason }), !reason.isEmpty {
        return answer(request, .refused(.partitionStopped(partition)))
      }
      return forward(request)
    }
    // Its lease is over, and only an append that is confirmed gives it another.
    if let since = seats[place].entrance.unconfirmedSince(), now - since >= shared.options.replyMilliseconds {
      return answer(request, .refused(.undecidable))
    }
    give(.read(query, request), to: place)
  }

  /// Takes what the owner of a destination says about a stream.
  private func hear(_ message: MeshMessage) {
    switch message {
    case .greeting(let word):
      guard let slot = slot(of: word.destination) else { return }
      learn(word.owner, slot)
      hear(from: word.source, slot, .greeting(word)) { $0.take(word) }
    case .acknowledgement(let word):
      guard let slot = slot(of: word.destination) else { return }
      hear(from: word.source, slot, .acknowledgement(word)) { sender in
        // No log that can be trusted acknowledges what was never sent.
        let isKnown = sender.take(word) != nil
        return isKnown
          ? .stale : .lostLog(greeted: word.number, acknowledged: sender.acknowledged, numbered: sender.numbered)
      }
    case .gap(let word):
      guard let slot = slot(of: word.destination) else { return }
      hear(from: word.source, slot, .gap(word)) { $0.take(word) }
    default: break
    }
  }

  private func hear(
    from source: StreamSource, _ slot: Int, _ input: TenancyInput,
    _ body: (inout StreamSender<StreamInput>) -> StreamSender<StreamInput>.Greeted
  ) {
    switch source {
    case .partition(let partition):
      if let place = place(of: partition), !seats[place].isGone { give(input, to: place) }
    // No message between pods names one.
    case .ingest: break
    case .session:
      guard let pods, pods.streams[slot].sender.source == source else { return }
      pods.streams[slot].heardAt = now
      let before = pods.streams[slot].sender.acknowledged
      let greeted = body(&pods.streams[slot].sender)
      if pods.streams[slot].sender.acknowledged > before { pods.streams[slot].movedAt = now }
      switch greeted {
      case .resumed, .stale: pods.markToSend(slot)
      case .forgotten: openSession(slot)
      case .lostLog(let greeted, let acknowledged, let numbered):
        shared.partitionLost(
          shared.partition(slot),
          "it has \(greeted) commands of a session of which \(acknowledged) were acknowledged and \(numbered) sent: "
            + "its log has lost records")
        openSession(slot)
      }
    }
  }

  // MARK: Who owns what

  /// Learns what the map says now. Also called when the lane begins: in a quiet cluster the map does not change.
  func mapChanged() {
    guard let pods else { return }
    if index == 0 { shared.follow(pods.map, at: lane.now) }
    for announced in pods.map.allOwners {
      guard let slot = slot(of: announced.partition) else { continue }
      let owner = OwnerID(epoch: announced.epoch, run: announced.incarnation)
      noticeSuccessor(owner, slot)
      guard announced.state == .open || announced.state == .full, owner.epoch > pods.goneEpochs[slot],
        !pods.isGone(owner.run)
      else { continue }
      learn(owner, slot)
    }
    for slot in owners.indices {
      if let owner = owners[slot], owner.run != shared.run, pods.isGone(owner.run) { forget(owner, slot) }
    }
    pods.reads.retry()
  }

  /// An owner has spoken for its partition, so it has replayed it.
  private func heard(of owner: OwnerID, _ partition: PartitionID) {
    guard let pods, let slot = slot(of: partition), owner.epoch > pods.goneEpochs[slot] else { return }
    learn(owner, slot)
  }

  /// Learns of an owner that takes streams: those with something for it ask where their streams are.
  func learn(_ owner: OwnerID, _ slot: Int) {
    if let known = owners[slot] {
      guard known.epoch < owner.epoch else { return }
      forget(known, slot)
    }
    owners[slot] = owner
    noticeSuccessor(owner, slot)
    pods?.markToSend(slot)
    pods?.reads.retry()
    for place in seats.indices where !seats[place].isGone { sendMessages(of: place) }
  }

  /// An owner that is already known announces that it takes streams from now on: it left unanswered what it was asked
  /// before that.
  func askAgain(_ slot: Int) {
    if let pods, pods.streams[slot].sender.owner != owners[slot] {
      pods.streams[slot].asked = nil
      pods.markToSend(slot)
    }
    for place in seats.indices where !seats[place].isGone && seats[place].awaitsGreetings {
      seats[place].asked[slot] = nil
      sendMessages(of: place)
    }
  }

  /// A partition of this lane has another owner.
  private func noticeSuccessor(_ owner: OwnerID, _ slot: Int) {
    let partition = shared.partition(slot)
    guard let place = place(of: partition), seats[place].owner != owner, seats[place].owner.epoch < owner.epoch else {
      return
    }
    if !seats[place].isGone {
      give(.successorAnnounced(owner), to: place)
    } else if seats[place].stopReason != nil {
      seats[place].stopReason = nil
      seats[place].gate.state = .elsewhere
      shared.takeovers?.left(partition, .superseded(by: owner.epoch))
    }
  }

  /// An owner no longer owns the partition.
  private func forget(_ owner: OwnerID, _ slot: Int) {
    guard owners[slot] == owner else { return }
    owners[slot] = nil
    lostWay(to: owner, slot)
  }

  /// What is on its way to an owner may be lost.
  private func lostWay(to owner: OwnerID, _ slot: Int) {
    guard let pods else { return }
    let partition = shared.partition(slot)
    pods.streams[slot].sender.disowned(by: owner)
    pods.streams[slot].asked = nil
    pods.reads.disowned(owner, of: partition)
    for place in seats.indices where !seats[place].isGone {
      seats[place].asked[slot] = nil
      give(.disconnected(partition, of: owner), to: place)
    }
  }
}

extension StreamFrame where Input == StreamInput {
  /// The frame with its commands' deadlines changed.
  func withDeadlines(_ change: (Int64) -> Int64) -> Self {
    StreamFrame(
      source: source, destination: destination, owner: owner, first: first,
      inputs: inputs.map { input in
        guard case .command(let command, let deadline?) = input else { return input }
        return .command(command, deadline: change(deadline))
      }, asOf: asOf)
  }
}

extension StreamFrame where Input == Message {
  var asInputs: StreamFrame<StreamInput> {
    StreamFrame<StreamInput>(
      source: source, destination: destination, owner: owner, first: first, inputs: inputs.map { .message($0) },
      asOf: asOf)
  }
}
