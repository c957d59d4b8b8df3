import EventLog
import Glibc
import Lanes
import Model
import PartitionCore
import StateStore

/// What one lane does for the partitions it owns and the requests that wait on it. Lane-confined.
///
/// A turn: take what other threads posted; append the commands that requests brought; then round after round take
/// the log's deliveries, apply them, and append the messages they cause, until nothing comes back; hint the log to
/// commit; and let answers leave that have become durable. So a saga whose partitions are all idle runs through
/// its hops within one turn of each lane, and within one group commit.
final class LaneRuntime {
  let index: UInt16
  let shared: RuntimeShared
  let lane: Lane
  let signal: LaneSignal
  weak var client: (any RequestClient)?

  /// The partitions of this lane, and the place of each in the table (by `RuntimeShared.flat`), -1 elsewhere.
  var places: [OwnedPartition] = []
  var placeOf: [Int16]
  /// Places that have to be stepped.
  private var toStep: [Int] = []
  /// Places that have as much of the log as they may hold, and can apply it.
  var crowded: Set<Int> = []

  /// Commands and messages that are to be appended, by partition.
  var commands: Outbox
  var messages: Outbox
  /// Messages to other lanes, by lane.
  private var mail: [[LaneMessage]]
  var withheld = ReleaseQueue<(request: RequestID, RequestResult)>()
  /// Where partitions change their owners.
  var cluster: LaneCluster?
  var isLogFailed = false
  var nextTickAt: UInt64 = 0
  private var isLogFailureTold = false
  var hasAppended = false
  private var isAwaiting = false
  /// When something was appended last, and whether a timer ends the collecting since then.
  var appendedAt: UInt64 = 0
  var isCollectingTimed = false
  var drain: Drain?

  init(index: UInt16, lane: Lane, shared: RuntimeShared) {
    self.index = index
    self.lane = lane
    self.shared = shared
    signal = LaneSignal(lane, shared.mailboxes[Int(index)])
    let partitions = shared.options.partitioner.count * Service.allCases.count
    placeOf = Array(repeating: -1, count: partitions)
    commands = Outbox(partitionCount: partitions)
    messages = Outbox(partitionCount: partitions)
    mail = Array(repeating: [], count: shared.options.laneCount)
    cluster = shared.cluster.map {
      LaneCluster($0, readsMax: shared.options.remoteReadsMax, repliesMax: shared.options.unsentRepliesMax)
    }
  }

  /// Makes the lane the owner of a partition.
  func own(_ partition: OwnedPartition) {
    placeOf[shared.flat(partition.id)] = Int16(places.count)
    places.append(partition)
  }

  // MARK: The turn

  /// Returns whether another turn should follow at once.
  func turn() -> Bool {
    takeMail()
    if cluster != nil { takePeers() }
    if lane.now >= nextTickAt { tick() }
    flushCommands()
    var rounds = 0
    var isBusy = true
    while isBusy, rounds < shared.options.roundsMax, !isLogFailed {
      isBusy = applyRound()
      rounds += 1
    }
    // Ticks that reads asked for.
    flushCommands()
    if hasAppended || rounds > 1 {
      shared.log.flushHint(by: signal)
      hasAppended = false
    }
    sendMail()
    release()
    if cluster != nil {
      sendToPeers()
      markCheckpoints()
    }
    awaitDurability()
    tellLogFailure()
    advanceDrain()
    return isBusy
  }

  /// Whether requests that came behind the newest turn wait for the next one: to be appended, to be sent, or, when so
  /// many came that they were appended at once, for the hint that has the log commit them.
  var hasUnsent: Bool {
    hasAppended || !commands.isEmpty && !isCollecting(commands) || mail.contains { !$0.isEmpty }
      || cluster?.hasUnsent == true
  }

  /// Takes deliveries, applies them and appends what they cause. Returns whether there was anything.
  private func applyRound() -> Bool {
    // Those that have enough get their time first.
    let deliveries =
      crowded.isEmpty ? shared.log.takeDeliveries(of: signal, recordsMax: shared.options.takeRecordsMax) : []
    for delivery in deliveries {
      let place = Int(placeOf[shared.flat(delivery.partition)])
      guard place >= 0 else { continue }
      if places[place].isStopped {
        takeStopped(delivery, at: place)
        continue
      }
      places[place].actor.deliver(delivery)
      markToStep(place)
    }
    // Mail of the store may have left messages without anything to step.
    guard !toStep.isEmpty || !messages.isEmpty && !isCollecting(messages) else { return false }
    let stepped = toStep
    toStep.removeAll(keepingCapacity: true)
    for place in stepped {
      places[place].isToStep = false
      perform(places[place].actor.step(), at: place)
    }
    flushMessages()
    return true
  }

  /// A partition that is stopped looks for its next owner only. Commands behind the end of its time are that one's.
  private func takeStopped(_ delivery: Delivery, at place: Int) {
    guard !places[place].isGone else { return }
    if cluster != nil {
      places[place].actor.deliver(delivery)
      perform(places[place].actor.standing(), at: place)
    }
    if !places[place].isGone { giveUp(delivery.requests()) }
  }

  private func markToStep(_ place: Int) {
    guard !places[place].isToStep else { return }
    places[place].isToStep = true
    toStep.append(place)
  }

  /// Performs what a partition asked for.
  func perform(_ result: StepResult, at place: Int) {
    for outbound in result.effects.messages {
      messages.append(outbound.entry, to: shared.flat(outbound.to))
      places[place].hasUnappended = true
    }
    for withheld in result.effects.replies {
      route(
        withheld.reply.request,
        .outcome(withheld.reply.outcome, isReplayed: withheld.reply.isReplayed), withheld.revealedAt)
    }
    for answer in result.effects.answers { route(answer.request, .view(answer.view), answer.revealedAt) }
    if !result.loads.isEmpty { load(result.loads, at: place) }
    if let tick = result.tick { appendControl(tick, at: place) }
    note(result, at: place)
    if result.flags.contains(.canStep) { markToStep(place) }
  }

  /// Keeps the gate and the checkpoint's clock of a partition.
  func note(_ result: StepResult, at place: Int) {
    let isBehind = result.flags.contains(.isBehind)
    if isBehind, places[place].behindSince == nil { places[place].behindSince = lane.now }
    if result.flags.contains(.isCheckpointDue) { takeCheckpoint(at: place) }
    if cluster != nil {
      noteTenure(result, at: place)
      noteQueue(result, at: place)
    }
    if result.flags.contains(.isStopped) {
      stopped(at: place)
    } else if result.appliedOffset >= places[place].replayThrough, isToOpen(result, at: place) {
      // A read that cannot be loaded keeps nobody else waiting.
      let cannotLoad = places[place].loadFailure != nil && result.flags.contains(.awaitsLoad)
      let isFull = result.flags.contains(.isDirtyBoundReached) || cannotLoad
      open(isFull ? .full : .open, at: place)
    }
    if result.flags.contains(.isDirtyBoundReached) { takeCheckpoint(at: place) }
  }

  /// Sets the gate of a partition, which ends its replay when it was still closed.
  private func open(_ state: PartitionGate.State, at place: Int) {
    let before = places[place].gate.state
    guard before != state else { return }
    setGate(state, at: place)
    // Behind the gate: whoever hears that the replay is over finds it open.
    if before == .replaying { shared.replayed(places[place].id) }
  }

  func setGate(_ state: PartitionGate.State, at place: Int) {
    places[place].gate.state = state
    if cluster != nil { announce(at: place) }
  }

  private func stopped(at place: Int) {
    guard !places[place].isGone else { return }
    let isNew = !places[place].isStopped
    places[place].isStopped = true
    if cluster != nil {
      switch places[place].actor.state().status {
      case .superseded(_, let epoch): return gone(at: place, .superseded(by: epoch))
      case .broken(let offset, let reason):
        shared.partitionBroke(places[place].id, offset: offset, reason: reason)
        return gone(at: place, .broken(reason: "its log breaks off at offset \(offset): \(reason)"))
      case .running, .stopped: break
      }
    }
    guard isNew else { return }
    open(.stopped, at: place)
    giveUp(places[place].actor.unappliedCommands())
    for request in places[place].actor.takeWaitingReads() {
      route(request, .refused(.partitionStopped(places[place].id)), .zero)
    }
    shared.partitionStopped(places[place].id, places[place].actor.state())
  }

  /// Answers commands that stand in the log behind what stopped their partition: they may still be applied, once an
  /// operator has seen to it, so nobody may be told that they were not taken.
  private func giveUp(_ requests: [RequestID]) {
    for request in requests { route(request, .refused(.outcomeUnknown), .zero) }
  }

  // MARK: Answers

  /// Sends the result of a request to the lane it waits on.
  func route(_ request: RequestID, _ result: RequestResult, _ position: LogPosition) {
    // A request of an earlier life of this process has nobody who waits, or waits at another pod.
    guard request.incarnation == shared.incarnation else {
      if cluster != nil { withhold(request, result, position) }
      return
    }
    if request.lane == index {
      withhold(request, result, position)
    } else if Int(request.lane) < mail.count {
      mail[Int(request.lane)].append(.finished(number: request.number, result, revealedAt: position))
    }
  }

  func withhold(_ request: RequestID, _ result: RequestResult, _ position: LogPosition) {
    if withheld.count == 0, position <= shared.log.durable {
      finish(request, result)
    } else {
      withheld.append((request, result), revealedAt: position)
    }
  }

  /// Tells a result to whoever waits for it: here, or at another pod.
  private func finish(_ request: RequestID, _ result: RequestResult) {
    if request.incarnation == shared.incarnation {
      client?.finished(request.number, result)
    } else {
      tellPeer(request, result)
    }
  }

  /// Keeps the log's signal to what is worth a wake-up.
  private func awaitDurability() {
    guard (withheld.count > 0) != isAwaiting else { return }
    isAwaiting.toggle()
    signal.await(isAwaiting)
    if isAwaiting { release() }
  }

  private func tellLogFailure() {
    guard isLogFailed, !isLogFailureTold else { return }
    isLogFailureTold = true
    client?.logFailed()
  }

  private func release() {
    guard withheld.count > 0 else { return }
    let durable = shared.log.durable
    while let (request, result) = withheld.next(durable: durable) { finish(request, result) }
    if withheld.count > 0, shared.log.failure != nil {
      // What waits now was applied and will never be durable: nobody may see it.
      isLogFailed = true
      while let (request, result) = withheld.nextWithheld() {
        if case .view = result {
          finish(request, .refused(.logFailed))
        } else {
          finish(request, .refused(.outcomeUnknown))
        }
      }
    }
  }

  // MARK: Mail

  func post(_ message: LaneMessage, to lane: UInt16) {
    if lane == index {
      receive(message)
    } else if Int(lane) < mail.count {
      mail[Int(lane)].append(message)
    }
  }

  private func sendMail() {
    for lane in mail.indices where !mail[lane].isEmpty {
      if !shared.mailboxes[lane].post(mail[lane]) { shared.mailRefused(mail[lane].count) }
      mail[lane].removeAll(keepingCapacity: true)
    }
  }

  private func takeMail() {
    for message in shared.storeMailboxes[Int(index)].takeAll() { receive(message) }
    for message in shared.mailboxes[Int(index)].takeAll() { receive(message) }
  }

  /// Whether what the store answers belongs to the partition's present owner at a place.
  private func isCurrent(_ epoch: UInt64, at place: Int) -> Bool {
    places.indices.contains(place) && places[place].epoch == epoch && !places[place].isGone
  }

  private func receive(_ message: LaneMessage) {
    switch message {
    case .read(let query, let request):
      read(query, for: request)
    case .finished(let number, let result, let position):
      withhold(RequestID(incarnation: shared.incarnation, lane: index, number: number), result, position)
    case .loaded(let place, let epoch, let result):
      if isCurrent(epoch, at: place) { loaded(result, at: place) }
    case .checkpointed(let place, let epoch, let offset, let result):
      if isCurrent(epoch, at: place) { checkpointed(result, through: offset, at: place) }
    case .forward(let query, let request):
      forward(query, for: request)
    }
  }
}
