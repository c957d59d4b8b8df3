import Model
import PartitionCore
import Streams
import Tenancy

// What clients ask, and what they are answered.

extension Fleet {
  func request() {
    guard clients.waiting.count < FleetClients.waitingMax else { return giveUp() }
    let isKeyed = random.percent(60)
    let command = choices.command(isKeyed: isKeyed, &random, &clients.orders, number: clients.nextNumber())
    // Somebody asks for an order that is about to be made: the store may be asked for it before, and answer afterwards.
    if case .orders(.create(let id, _, .random)) = command, random.percent(2 * swarm.earlyReadPercent),
      let pod = random.pick(pods)
    {
      ask(newRead(of: .order(id), by: pod))
    }
    submit(command, isKeyed: isKeyed)
  }

  private func newRead(of query: Query, by pod: FleetPod) -> FleetClients.Read {
    FleetClients.Read(
      id: RequestID(incarnation: pod.run, lane: 0, number: clients.nextNumber()), query: query, since: auditor.known)
  }

  /// A pod takes a command; a batch goes to every partition of its service.
  func submit(_ command: Command, isKeyed: Bool = false) {
    var token: IdempotencyToken?
    if isKeyed {
      let number = clients.nextNumber()
      token = IdempotencyToken(key: IdempotencyKey(unchecked: "k\(number)"), fingerprint: number)
    }
    let partitions =
      command.query.map { [$0.partition(by: layout.partitioner)] }
      ?? layout.partitions.filter { $0.service == command.service }
    for partition in partitions { submit(command, token, to: partition) }
  }

  private func submit(_ command: Command, _ token: IdempotencyToken?, to partition: PartitionID) {
    let pod = pods[random.below(pods.count)]
    let id = RequestID(incarnation: pod.run, lane: 0, number: clients.nextNumber())
    let trace = id.number % 3 == 0 ? TraceContext(traceHigh: 1, traceLow: id.number, span: id.number, flags: 1) : nil
    let deadline = random.percent(5) ? clock + Int64(random.within(10...400)) : nil
    let input = StreamInput.command(
      ClientCommand(request: id, idempotency: token, trace: trace, command: command), deadline: deadline)
    // Refused on entry: it never gets a number, and is never executed.
    guard pod.streams[layout.slot(partition)].offer(input, bytes: 64) else { return auditor.refused(id) }
    tally.requests += 1
    clients.wait(for: .init(id: id, command: command, partition: partition, token: token))
  }

  /// Sends something again under its key, whatever its outcome; sometimes the key comes with another command.
  func repeatRequest() {
    guard let old = random.pick(clients.repeatable), let token = old.token,
      clients.waiting.count < FleetClients.waitingMax
    else { return }
    let fingerprint = token.fingerprint ^ (random.percent(10) ? 1 << 63 : 0)
    submit(old.command, IdempotencyToken(key: token.key, fingerprint: fingerprint), to: old.partition)
  }

  /// A client stops waiting: it does not know the outcome of its request.
  func giveUp() {
    guard let request = random.percent(80) ? clients.waiting.first : random.pick(clients.waiting) else { return }
    _ = clients.take(request.id)
    tally.unknown += 1
  }

  // MARK: Replies

  /// An owner releases a reply.
  func reveal(_ reply: CommandReply, _ pod: FleetPod, _ slot: Int, _ owner: OwnerID) {
    judge(reply)
    send(.reply(reply, slot, owner), from: pod, toRun: reply.request.incarnation)
  }

  func judge(_ reply: CommandReply) {
    switch reply {
    case .outcome(let outcome):
      hash.fold(outcome.request.number &* 2 &+ (outcome.isReplayed ? 1 : 0))
      auditor.judge(outcome)
    case .skipped(let request, .overloaded), .skipped(let request, .unreadable): auditor.judgeSkipped(request)
    case .skipped(let request, .undecidable):
      if stopped.isEmpty, tally.stopped == 0 { fail("request \(request) was undecidable though all serve") }
      tally.undecidable += 1
      auditor.judgeSkipped(request)
    case .skipped: break
    }
  }

  /// A reply reaches the pod that took the command. If it arrives twice, nobody waits for it the second time.
  func bring(_ reply: CommandReply, _ slot: Int, _ owner: OwnerID, _ pod: FleetPod, _ from: Int) {
    send(.replyReceived(reply.request, slot, owner), from: pod, to: from)
    guard let request = clients.take(reply.request) else { return }
    guard case .outcome(let outcome) = reply else {
      tally.skipped += 1
      return
    }
    auditor.learned(outcome.request)
    if let query = request.command.query { clients.learned(query) }
    if outcome.isReplayed { tally.replayed += 1 }
    switch (request.command, outcome.outcome) {
    case (.orders(.checkout), .done): tally.checkoutsPaid += 1
    case (.orders(.checkout), .refused): tally.checkoutsRefused += 1
    default: break
    }
  }

  // MARK: Reads

  /// A read is sent, or sent again.
  func read() {
    for _ in 0..<random.within(1...3) where violation == nil {
      if clients.readsToAsk.isEmpty || random.percent(60) {
        guard clients.readsToAsk.count < FleetClients.readsMax else { continue }
        if let (pod, query) = replacedOwnerToAsk() {
          ask(newRead(of: query, by: pod))
          continue
        }
        guard let pod = podToAsk() else { continue }
        let recent = random.percent(60) ? random.pick(clients.recent) : nil
        let query = recent ?? choices.query(&random, clients.orders)
        clients.readsToAsk.append(newRead(of: query, by: pod))
      }
      guard !clients.readsToAsk.isEmpty else { continue }
      ask(clients.readsToAsk.remove(at: random.below(clients.readsToAsk.count)))
    }
  }

  /// An owner that was replaced and may not know it yet is asked to show what somebody has just been shown.
  private func replacedOwnerToAsk() -> (FleetPod, Query)? {
    let replaced = randomSeat {
      $0.tenancy.mayReveal && store.epoch(layout.slot($0.tenancy.partition)) > $0.tenancy.owner.epoch
    }
    guard let (pod, slot, _) = replaced else { return nil }
    let recent = clients.recent.filter { layout.slot($0.partition(by: layout.partitioner)) == slot }
    return random.pick(recent).map { (pod, $0) }
  }

  /// Often one cut off from everything but its clients: it may be an owner that does not know of its successor.
  private func podToAsk() -> FleetPod? {
    let isCut = random.percent(40)
    let alone = pods.first { isCut && cutFromLog[$0.index] > clock && cutFromPeers[$0.index] > clock }
    return alone ?? random.pick(pods)
  }

  private func ask(_ read: FleetClients.Read) {
    let slot = layout.slot(read.query.partition(by: layout.partitioner))
    guard let pod = pods.first(where: { $0.run == read.id.incarnation }), isAwake(pod) else { return }
    guard let known = pod.owners[slot] else { return clients.readsToAsk.append(read) }
    clients.asked(read)
    send(.read(read.query, read.id), from: pod, to: known.pod)
  }

  /// A read reaches the believed owner of its partition.
  func ask(_ query: Query, _ request: RequestID, _ pod: FleetPod, _ from: Int) {
    let slot = layout.slot(query.partition(by: layout.partitioner))
    guard let seat = pod.seats[slot] else { return send(.readRefused(query, request), from: pod, to: from) }
    var actions = TenancyActions()
    if !seat.tenancy.read(query, for: request, at: clock, into: &actions) {
      tally.readsForwarded += 1
      send(.readRefused(query, request), from: pod, to: from)
    }
    perform(actions, pod, slot, seat)
  }

  /// An owner releases an answer.
  func reveal(_ view: View, for request: RequestID, from pod: FleetPod) {
    if let read = clients.readsAsked.first(where: { $0.id == request }) {
      auditor.judge(view, of: read.query, since: read.since)
    }
    send(.answer(request, view), from: pod, toRun: request.incarnation)
  }

  func show(_ view: View, to request: RequestID) {
    guard let read = clients.takeRead(request) else { return }
    hash.fold(request.number)
    tally.reads += 1
    clients.learned(read.query)
  }
}
