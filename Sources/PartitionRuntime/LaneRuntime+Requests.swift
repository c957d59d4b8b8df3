import EventLog
import Model
import PartitionCore

extension LaneRuntime: RequestPort {
  var partitioner: Partitioner { shared.options.partitioner }

  func submit(
    _ command: Command, to partition: PartitionID, number: UInt64, idempotency: IdempotencyToken?,
    trace: TraceContext?
  ) throws(RequestRefusal) {
    guard command.service == partition.service, Int(partition.index) < partitioner.count else {
      throw .overloaded
    }
    try checkPhase()
    switch shared.gates[shared.flat(partition)].state {
    case .open: break
    case .replaying where cluster == nil: throw .starting
    // Whoever owns the partition next answers: a change of the owner is a pause.
    case .replaying: break
    case .full: throw .overloaded
    case .stopped: throw .partitionStopped(partition)
    case .elsewhere: try checkOwner(of: partition)
    }
    let command = ClientCommand(
      request: RequestID(incarnation: shared.incarnation, lane: index, number: number),
      idempotency: idempotency, trace: trace, command: command)
    enqueue(Entry(time: shared.clock(), body: .command(command)), to: partition)
  }

  func look(_ query: Query) -> View? {
    let flat = shared.flat(query.partition(by: partitioner))
    let place = Int(placeOf[flat])
    guard place >= 0, shared.gates[flat].state.isReadable,
      let (view, revealedAt) = places[place].actor.look(query), revealedAt <= shared.log.durable
    else { return nil }
    return view
  }

  func ask(_ query: Query, number: UInt64) throws(RequestRefusal) {
    let partition = query.partition(by: partitioner)
    let request = RequestID(incarnation: shared.incarnation, lane: index, number: number)
    switch shared.gates[shared.flat(partition)].state {
    case .open, .full: break
    case .replaying where cluster == nil: throw .starting
    case .replaying: break
    case .stopped: throw .partitionStopped(partition)
    case .elsewhere: return try askElsewhere(query, partition, number: number)
    }
    let owner = shared.laneOf(partition)
    if owner == index {
      read(query, for: request)
    } else {
      post(.read(query, request), to: owner)
    }
  }

  private func checkPhase() throws(RequestRefusal) {
    switch shared.phase {
    case .running: return
    case .starting: throw .starting
    case .stopping: throw .stopping
    }
  }

  /// Answers a read whose partition this lane owns.
  func read(_ query: Query, for request: RequestID) {
    let place = Int(placeOf[shared.flat(query.partition(by: partitioner))])
    guard place >= 0, !places[place].isGone else {
      if cluster == nil { route(request, .refused(.overloaded), .zero) } else { notMine(query, request) }
      return
    }
    let (result, step) = places[place].actor.read(query, request)
    perform(step, at: place)
    if result == .refused { route(request, .refused(.overloaded), .zero) }
  }
}
