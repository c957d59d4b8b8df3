import Model
import PartitionCore
import Streams
import Tenancy

// What pods send each other.

extension Fleet {
  func send(_ packet: Packet, from pod: FleetPod, to other: Int) {
    // A pod cut off from the others still reaches itself.
    guard other == pod.index || cutFromPeers[pod.index] <= clock && cutFromPeers[other] <= clock else {
      noticeLoss(pod, to: other)
      return noticeLoss(pods[other], to: pod.index)
    }
    links[pod.index][other].append(packet)
  }

  /// To the pod of a run, if it is alive.
  func send(_ packet: Packet, from pod: FleetPod, toRun run: UInt64) {
    guard let other = pods.first(where: { $0.run == run }) else { return }
    send(packet, from: pod, to: other.index)
  }

  /// To the sender of a stream.
  func send(_ packet: Packet, from pod: FleetPod, to source: StreamSource) {
    switch source {
    case .session(let session): send(packet, from: pod, toRun: session.run)
    case .partition(let partition):
      if let known = pod.owners[layout.slot(partition)] { send(packet, from: pod, to: known.pod) }
    case .ingest: break
    }
  }

  /// One packet arrives.
  func deliverPacket() {
    var waiting: [(Int, Int)] = []
    for from in links.indices {
      for to in links[from].indices where !links[from][to].isEmpty && isAwake(pods[to]) { waiting.append((from, to)) }
    }
    guard !waiting.isEmpty else { return }
    let (from, to) = waiting[random.below(waiting.count)]
    // Packets that ask for work and packets that end it are ordered separately.
    let asksForWork = random.percent(50)
    let place = links[from][to].firstIndex { $0.asksForWork == asksForWork } ?? 0
    take(links[from][to].remove(at: place), at: pods[to], from: from)
  }

  private func take(_ packet: Packet, at pod: FleetPod, from: Int) {
    switch packet {
    case .owned(let owner, let slot, let other): learn(owner, slot, at: other, pod)
    case .notMine(let slot, let owner):
      pod.goneEpochs[slot] = max(pod.goneEpochs[slot], owner.epoch)
      forget(owner, slot, pod)
      lostWay(to: owner, slot, pod)
    case .hello(let source, let slot, let owner, let asker):
      withSeat(pod, slot, of: owner, refuse: .notMine(slot, owner), from) {
        $0.greet(source, asker: asker, at: self.time(of: pod), into: &$1)
      }
    case .commands(let frame):
      let slot = layout.slot(frame.destination)
      withSeat(pod, slot, of: frame.owner, refuse: .notMine(slot, frame.owner), from) {
        $0.receive(frame, into: &$1)
      }
    case .messages(let frame):
      let slot = layout.slot(frame.destination)
      let inputs = StreamFrame(
        source: frame.source, destination: frame.destination, owner: frame.owner, first: frame.first,
        inputs: frame.inputs.map(StreamInput.message), asOf: frame.asOf)
      withSeat(pod, slot, of: frame.owner, refuse: .notMine(slot, frame.owner), from) {
        $0.receive(inputs, into: &$1)
      }
    case .greeting(let word):
      learn(word.owner, layout.slot(word.destination), at: from, pod)
      take(word, pod)
    case .acknowledgement(let word):
      switch word.source {
      case .session:
        let slot = layout.slot(word.destination)
        if pod.streams[slot].take(word) == nil { fail("\(word.destination) acknowledged what was never sent to it") }
      case .ingest: break
      case .partition(let source): withSource(source, pod) { $0.take(word, into: &$1) }
      }
    case .gap(let word):
      switch word.source {
      case .session: follow(pod.streams[layout.slot(word.destination)].take(word), word.destination, pod)
      case .ingest: break
      case .partition(let source): withSource(source, pod) { $0.take(word, into: &$1) }
      }
    case .released(let former, let slot, let successor):
      withSeat(pod, slot, of: successor, refuse: nil, from) { $0.predecessorReleased(former, into: &$1) }
    case .reply(let reply, let slot, let owner): bring(reply, slot, owner, pod, from)
    case .replyReceived(let request, let slot, let owner):
      withSeat(pod, slot, of: owner, refuse: nil, from) { tenancy, _ in tenancy.replyReceived(request) }
    case .read(let query, let request): ask(query, request, pod, from)
    case .answer(let request, let view): show(view, to: request)
    case .readRefused(_, let request): clients.askAgain(request)
    }
  }

  /// Makes an owner's tenure do something, if the pod has it.
  func withSeat(
    _ pod: FleetPod, _ slot: Int, of owner: OwnerID, refuse: Packet?, _ from: Int,
    _ body: (inout any TenancyDriver, inout TenancyActions) -> Void
  ) {
    // With the planted bug, the current tenure takes what was meant for another.
    guard let seat = pod.seats[slot], seat.tenancy.owner == owner || planted == .inputsBeforeReplayEnds else {
      if let refuse { send(refuse, from: pod, to: from) }
      return
    }
    var actions = TenancyActions()
    body(&seat.tenancy, &actions)
    perform(actions, pod, slot, seat)
  }

  /// Passes what a stream's destination says to the tenure of its source.
  private func withSource(
    _ source: PartitionID, _ pod: FleetPod, _ body: (inout any TenancyDriver, inout TenancyActions) -> Void
  ) {
    let slot = layout.slot(source)
    guard let seat = pod.seats[slot] else { return }
    var actions = TenancyActions()
    body(&seat.tenancy, &actions)
    perform(actions, pod, slot, seat)
  }

  private func take(_ word: StreamGreeting, _ pod: FleetPod) {
    let slot = layout.slot(word.destination)
    switch word.source {
    case .partition(let source): withSource(source, pod) { $0.take(word, into: &$1) }
    case .ingest: break
    case .session:
      follow(pod.streams[slot].take(word), word.destination, pod)
    }
  }

  private func follow(_ greeted: StreamSender<StreamInput>.Greeted, _ destination: PartitionID, _ pod: FleetPod) {
    switch greeted {
    case .resumed, .stale: break
    case .forgotten: openSession(layout.slot(destination), pod)
    case .lostLog(let greeted, let acknowledged, let numbered):
      fail("\(destination) has \(greeted) commands of a session with \(acknowledged) acknowledged of \(numbered)")
    }
  }

  /// Begins the lane's next session. Those waiting for what the old one sent do not learn its outcome.
  func openSession(_ slot: Int, _ pod: FleetPod) {
    var (unknown, unsent) = pod.streams[slot].abandoned()
    if bug.is(.sentAgainInNextSession) {
      unsent = unknown + unsent
      unknown = []
    }
    for case .command(let command, _) in unknown where clients.take(command.request) != nil { tally.unknown += 1 }
    pod.sessions[slot] += 1
    pod.greetingsAsked[slot] = nil
    pod.streams[slot] = StreamSender(
      from: .session(Session(run: pod.run, lane: 0, number: pod.sessions[slot])), to: layout.partitions[slot],
      limits: swarm.limits.stream)
    for input in unsent { _ = pod.streams[slot].offer(input, bytes: 64) }
  }

  // MARK: Who owns what

  /// A pod learns of an owner.
  func learn(_ owner: OwnerID, _ slot: Int, at other: Int, _ pod: FleetPod) {
    if let known = pod.owners[slot], known.owner.epoch >= owner.epoch { return }
    if let known = pod.owners[slot] { forget(known.owner, slot, pod) }
    pod.owners[slot] = (owner, other)
    noticeSuccessor(owner, slot, pod)
  }

  /// A pod that owns a partition hears of another owner.
  func noticeSuccessor(_ owner: OwnerID, _ slot: Int, _ pod: FleetPod) {
    guard let seat = pod.seats[slot], seat.tenancy.owner != owner else { return }
    var actions = TenancyActions()
    seat.tenancy.successorAnnounced(owner, into: &actions)
    perform(actions, pod, slot, seat)
  }

  /// A pod learns that an owner no longer owns anything, or lost its connection to it.
  func forget(_ owner: OwnerID, _ slot: Int, _ pod: FleetPod) {
    guard pod.owners[slot]?.owner == owner else { return }
    pod.owners[slot] = nil
    lostWay(to: owner, slot, pod)
  }

  /// What is in transit to an owner may be lost.
  func lostWay(to owner: OwnerID, _ slot: Int, _ pod: FleetPod) {
    if planted == .sentAgainOutOfOrder { return }
    pod.streams[slot].disowned(by: owner)
    pod.greetingsAsked[slot] = nil
    for seat in pod.seats {
      seat?.tenancy.disconnected(from: layout.partitions[slot], of: owner)
      seat?.greetingsAsked[layout.partitions[slot]] = nil
    }
  }
}
