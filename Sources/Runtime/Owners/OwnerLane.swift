import Ports
import Lanes
import Model
import PartitionCore
import Streams
import Tenancy

/// What one lane does for the partitions it owns and the requests that wait on it. Lane-confined.
///
/// A turn: take what other threads posted and what the log says; then, round after round, let each partition that has
/// input take a turn, and pass on what that causes, until nothing comes back; append all records of the turn at once,
/// and only then send other lanes what those cause. So a saga whose partitions are all idle runs through its hops
/// within one turn of each lane, and within one group commit.
final class OwnerLane {
  let index: Int
  let shared: OwnerShared
  let lane: Lane
  weak var client: (any RequestClient)?

  /// The partitions of this lane, and each one's place in the table (by `OwnerShared.flat`), -1 elsewhere.
  var seats: [Seat] = []
  private var seatOf: [Int16]
  /// Places to step.
  private var toStep: [Int] = []
  /// Until when turns gather what arrives, by the lane's clock.
  private var gathersUntil: UInt64 = 0
  /// Messages to other lanes, by lane, and whether they may lead to appends there.
  private var mail: [[OwnerMessage]]
  private var isExpected: [Bool]
  /// The records of the turn.
  private var appends: [RecordAppend] = []
  var actions = TenancyActions()
  /// Who has replayed which partition, by `OwnerShared.flat`.
  var owners: [OwnerID?]
  /// The other pods; nil where there are none.
  let pods: LanePods?
  /// The memory of inputs that were taken, for the next ones.
  private var spare: [TenancyInput] = []
  /// Whether the log must be notified that the turn has ended.
  private var isTurnDue = false
  var isLogFailed = false
  var isLogFailureTold = false
  var nextTickAt: UInt64 = 0
  /// A page of a partition's orders is being read.
  var isPageUnderWay = false
  var drain: OwnerDrain?

  init(index: Int, lane: Lane, shared: OwnerShared) {
    self.index = index
    self.lane = lane
    self.shared = shared
    seatOf = Array(repeating: -1, count: shared.gates.count)
    owners = Array(repeating: nil, count: shared.gates.count)
    mail = Array(repeating: [], count: shared.options.laneCount)
    isExpected = Array(repeating: false, count: shared.options.laneCount)
    pods = shared.link.map { link in
      LanePods(
        link, run: shared.run, lane: index, partitions: shared.gates.indices.map(shared.partition),
        limits: shared.options.stream, readsMax: shared.options.remoteReadsMax)
    }
  }

  /// Makes the lane the owner of a partition, and says so in the log. Returns its place.
  @discardableResult
  func own(_ partition: PartitionID, _ ownership: Ownership) -> Int {
    let slot = shared.flat(partition)
    let seat = seat(of: partition, ownership)
    if seatOf[slot] < 0 {
      seatOf[slot] = Int16(seats.count)
      seats.append(seat)
    } else {
      seats[Int(seatOf[slot])] = seat
    }
    let place = Int(seatOf[slot])
    announce(at: place)
    return place
  }

  func seat(of partition: PartitionID, _ ownership: Ownership) -> Seat {
    let owner = OwnerID(epoch: ownership.epoch, run: shared.run)
    let offset = ownership.recovery.header?.offset ?? -1
    var seat = Seat(
      id: partition, owner: owner,
      entrance: OwnerEntrance(of: partition, owner, shared, ownership.recovery, on: lane),
      gate: shared.gates[shared.flat(partition)], readFrom: offset + 1, checkpointedOffset: offset)
    if partition.service == .orders {
      seat.orderWalk = OrderWalk(
        shared.options.orderPace, at: lane.now, share: Int(partition.index), of: partitioner.count)
    }
    return seat
  }

  /// Appends to the log who owns the partition; once that is durable, the log is read up to there.
  func announce(at place: Int) {
    guard let owner = Owner(epoch: seats[place].owner.epoch, incarnation: shared.run, address: shared.address) else {
      return
    }
    seats[place].announcedAt = lane.now
    appends.append(RecordAppend(partition: seats[place].id, record: .owned(owner)))
  }

  func place(of partition: PartitionID) -> Int? {
    guard let slot = slot(of: partition), seatOf[slot] >= 0 else { return nil }
    return Int(seatOf[slot])
  }

  /// The clock for deadlines and leases, in milliseconds. Where a lease matters it is read each time: the process may
  /// have been stopped since the turn began.
  var now: Int64 { pods?.link.clock() ?? Int64(lane.now) }

  // MARK: The turn

  /// Returns whether another turn should follow immediately.
  func turn() -> Bool {
    takeMail()
    takeFromPods()
    takeFromLog()
    if lane.now >= nextTickAt { tick() }
    var rounds = 0
    var isBusy = true
    while isBusy, rounds < shared.options.roundsMax {
      isBusy = round()
      rounds += 1
    }
    flush()
    lookAtLog()
    advanceDrain()
    gather()
    return isBusy
  }

  /// Makes the next turn wait for more input while much is under way: what one partition says in many small appends
  /// and packets, all others have to hear in as many.
  private func gather() {
    guard pods != nil else { return }
    let options = shared.options
    var underWay = 0
    for seat in seats { underWay += seat.inputsUnderWay }
    if underWay >= options.gatherInputsMin { gathersUntil = lane.now + options.gatherLastingMilliseconds }
    if lane.now < gathersUntil { lane.gather(microseconds: options.gatherMicroseconds(lateness: lane.lateness)) }
  }

  /// Whether requests that arrived after the newest turn wait for the next one.
  var hasUnsent: Bool {
    !toStep.isEmpty || !appends.isEmpty || mail.contains { !$0.isEmpty } || pods?.hasUnsent == true
  }

  /// Lets each partition that has input take a turn. Returns whether any did.
  private func round() -> Bool {
    if pods != nil {
      sendCommands()
      sendReads()
    }
    guard !toStep.isEmpty else { return false }
    let time = shared.clock()
    let stepped = toStep
    toStep.removeAll(keepingCapacity: true)
    for place in stepped {
      seats[place].isToStep = false
      swap(&spare, &seats[place].inputs)
      if seats[place].isGone {
        giveUp(spare, seats[place].id)
      } else {
        let standing = seats[place].entrance.step(spare, time, now, &actions)
        if pods != nil, let count = actions.appendedAwaited { seats[place].inputsUnderWay = count }
        perform(standing, at: place)
        if isLogFailed { refuseUnanswered(of: place) }
      }
      spare.removeAll(keepingCapacity: true)
    }
    return true
  }

  /// What reaches a partition that has ended.
  private func giveUp(_ inputs: [TenancyInput], _ partition: PartitionID) {
    for input in inputs {
      switch input {
      case .command(let command, _): route(command.request, .refused(.partitionStopped(partition)))
      case .read(_, let request):
        if pods == nil { route(request, .refused(.partitionStopped(partition))) } else { forward(request) }
      // Its sender looks for the next owner.
      case .frame(let frame) where pods != nil: send(.notMine(partition, frame.owner), source: frame.source)
      default: break
      }
    }
  }

  /// Appends the records of the turn, and then sends what they cause.
  private func flush() {
    if !appends.isEmpty {
      let expected = isExpected.indices.filter { isExpected[$0] }
      shared.log.append(appends, by: index, expecting: expected)
      appends.removeAll(keepingCapacity: true)
      isTurnDue = true
    }
    // Before anything is sent: what an answer expects from this lane must not end with this turn.
    if isTurnDue {
      isTurnDue = false
      shared.log.turnEnded(by: index)
    }
    for other in mail.indices where !mail[other].isEmpty {
      // If a lane has fallen this far behind, a later turn sends it: nothing of a stream may be lost.
      guard shared.mailboxes[other].post(mail[other]) else { continue }
      isExpected[other] = false
      mail[other].removeAll(keepingCapacity: true)
    }
    sendToPods()
  }

  /// Delivers something to a partition of this lane with its next step.
  func give(_ input: TenancyInput, to place: Int) {
    seats[place].inputs.append(input)
    markToStep(place)
  }

  func markToStep(_ place: Int) {
    guard !seats[place].isToStep else { return }
    seats[place].isToStep = true
    toStep.append(place)
  }

  // MARK: What partitions ask for

  /// Lets a tenancy do something, then performs what it asks for.
  func change(at place: Int, _ body: (OwnerEntrance, inout TenancyActions) -> TenancyStanding) {
    guard !seats[place].isGone else { return }
    perform(body(seats[place].entrance, &actions), at: place)
  }

  private func perform(_ standing: TenancyStanding, at place: Int) {
    let partition = seats[place].id
    for record in actions.appends { appends.append(RecordAppend(partition: partition, record: record)) }
    if pods == nil { performHere() } else { performAmongPods(at: place) }
    let (loads, hasMessages) = (actions.loads, actions.hasMessages)
    actions.removeAll()
    if !loads.isEmpty { load(loads, at: place) }
    if hasMessages { sendMessages(of: place) }
    note(standing, at: place)
    if standing.contains(.canStep) { markToStep(place) }
  }

  /// What a partition has for clients and partitions when there is only one process.
  private func performHere() {
    for reply in actions.replies { answer(reply) }
    for answer in actions.answers { route(answer.request, .view(answer.view)) }
    for request in actions.refusedReads { route(request, .refused(.overloaded)) }
    if !actions.messages.isEmpty { actions.messages.takeAll { send(&$1, to: $0) } }
    for acknowledgement in actions.acknowledgements {
      if case .partition(let source) = acknowledgement.source { send(.acknowledgement(acknowledgement), to: source) }
    }
    for greeting in actions.greetings {
      if case .partition(let source) = greeting.source { send(.greeting(greeting), to: source) }
    }
    for gap in actions.gaps {
      if case .partition(let source) = gap.source { send(.gap(gap), to: source) }
    }
  }

  func answer(_ reply: CommandReply) {
    switch reply {
    case .outcome(let reply): route(reply.request, .outcome(reply.outcome, isReplayed: reply.isReplayed))
    case .skipped(let request, .overloaded): route(request, .refused(.overloaded))
    case .skipped(let request, .undecidable): route(request, .refused(.undecidable))
    case .skipped(let request, .expired), .skipped(let request, .setAside), .skipped(let request, .unreadable):
      route(request, .refused(.outcomeUnknown))
    }
  }

  /// Sends the result of a request to the lane it waits on.
  func route(_ request: RequestID, _ result: RequestResult) {
    // Nobody waits for a request of an earlier life of this process.
    guard request.incarnation == shared.run else { return }
    if Int(request.lane) == index {
      pods?.reads.remove(request.number)
      client?.finished(request.number, result)
    } else if Int(request.lane) < mail.count {
      mail[Int(request.lane)].append(.finished(number: request.number, result))
    }
  }

  // MARK: Streams

  /// Sends a partition's messages to those that have greeted it, and asks the others to greet.
  func sendMessages(of place: Int) {
    let (partition, entrance) = (seats[place].id, seats[place].entrance)
    seats[place].awaitsGreetings = false
    for destination in entrance.destinations() {
      let slot = shared.flat(destination)
      while let frame = entrance.nextFrame(destination) {
        if pods != nil {
          send(.messages(frame), frame.owner, of: destination)
        } else {
          send(.frame(frame.asInputs), to: destination, mayAppend: true)
        }
      }
      guard let owner = owners[slot] else {
        // It announces itself once it has replayed.
        seats[place].awaitsGreetings = true
        continue
      }
      guard entrance.awaitsGreeting(destination, owner) else { continue }
      seats[place].awaitsGreetings = true
      if pods == nil {
        send(.askGreeting(.partition(partition), asker: seats[place].owner.epoch), to: destination)
      } else if isToAsk(owner, last: &seats[place].asked[slot]) {
        send(
          .hello(.partition(partition), destination, owner, asker: seats[place].owner.epoch), owner, of: destination)
      }
    }
  }

  /// Whether to ask an owner where a stream is; notes that it was asked, so that it is not asked again for a while.
  func isToAsk(_ owner: OwnerID, last: inout AskedOwner?) -> Bool {
    let wait = UInt64(clamping: shared.options.helloMilliseconds)
    if let last, last.owner == owner, lane.now - last.at < wait { return false }
    last = AskedOwner(owner: owner, at: lane.now)
    return true
  }

  /// Hands something to a partition, wherever its owner is.
  ///
  /// - Parameter mayAppend: it leads to an append that the log's next group should wait for.
  func send(_ input: TenancyInput, to partition: PartitionID, mayAppend: Bool = false) {
    let owner = shared.laneOf(partition)
    guard owner != index else {
      if let place = place(of: partition) { give(input, to: place) }
      return
    }
    if mayAppend { isExpected[owner] = true }
    mail[owner].append(.input(input, partition))
  }

  /// Hands messages to a partition, wherever its owner is.
  private func send(_ inputs: inout [TenancyInput], to partition: PartitionID) {
    let owner = shared.laneOf(partition)
    guard owner == index else {
      isExpected[owner] = true
      for input in inputs { mail[owner].append(.input(input, partition)) }
      return
    }
    guard let place = place(of: partition) else { return }
    if seats[place].inputs.isEmpty {
      swap(&seats[place].inputs, &inputs)
    } else {
      seats[place].inputs.append(contentsOf: inputs)
    }
    markToStep(place)
  }

  func post(_ message: OwnerMessage, toLane other: Int) {
    if other == index { receive(message) } else { mail[other].append(message) }
  }

  // MARK: Mail

  private func takeMail() {
    for message in shared.storeMailboxes[index].takeAll() { receive(message) }
    let messages = shared.mailboxes[index].takeAll()
    guard !messages.isEmpty else { return }
    isTurnDue = true
    for message in messages { receive(message) }
  }

  private func receive(_ message: OwnerMessage) {
    switch message {
    case .input(let input, let partition): if let place = place(of: partition) { give(input, to: place) }
    case .finished(let number, let result):
      pods?.reads.remove(number)
      client?.finished(number, result)
    case .pod(let message): take(message, from: shared.run)
    case .ingest(let event): take(event)
    case .owner(let owner, let partition): replayed(partition, owner)
    case .loaded(let place, let epoch, let result):
      if isCurrent(epoch, at: place) { loaded(result, at: place) }
    case .ordersRead(let place, let epoch, let result):
      isPageUnderWay = false
      if isCurrent(epoch, at: place) { ordersRead(result, at: place) }
    case .checkpointed(let place, let epoch, let offset, let result):
      if isCurrent(epoch, at: place) { checkpointed(result, through: offset, at: place) }
    case .acquired(let place, let result): acquired(result, at: place)
    }
  }

  /// Another partition takes streams from now on: those with something for it ask where their streams are.
  private func replayed(_ partition: PartitionID, _ owner: OwnerID) {
    guard pods == nil else {
      guard let slot = slot(of: partition) else { return }
      if owners[slot] == owner { askAgain(slot) } else { learn(owner, slot) }
      return
    }
    owners[shared.flat(partition)] = owner
    for place in seats.indices where !seats[place].isGone { sendMessages(of: place) }
  }

  /// Whether the store's answer belongs to the partition's present owner.
  private func isCurrent(_ epoch: UInt64, at place: Int) -> Bool {
    seats.indices.contains(place) && seats[place].owner.epoch == epoch
      && (!seats[place].isGone || seats[place].hasLeft)
  }
}
