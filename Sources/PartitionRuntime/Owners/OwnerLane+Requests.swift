import EventLog
import Lanes
import Model
import PartitionCore

extension OwnerLane: RequestPort {
  var partitioner: Partitioner { shared.options.partitioner }

  func submit(
    _ command: Command, to partition: PartitionID, number: UInt64, idempotency: IdempotencyToken?,
    trace: TraceContext?
  ) throws(RequestRefusal) {
    guard command.service == partition.service, Int(partition.index) < partitioner.count else { throw .overloaded }
    try checkPhase()
    switch shared.gates[shared.flat(partition)].state {
    case .open: break
    case .replaying: throw .starting
    case .full, .elsewhere: throw .overloaded
    case .stopped: throw .partitionStopped(partition)
    }
    if isLogFailed { throw .logFailed }
    if shared.log.isBacklogged { throw .overloaded }
    let command = ClientCommand(
      request: RequestID(incarnation: shared.run, lane: UInt16(index), number: number), idempotency: idempotency,
      trace: trace, command: command)
    let deadline = now + shared.options.replyMilliseconds
    let owner = shared.laneOf(partition)
    guard owner == index else { return post(.command(command, partition, deadline: deadline), toLane: owner) }
    guard let place = place(of: partition), seats[place].entrance.command(command, deadline) else {
      throw .overloaded
    }
    markToStep(place)
  }

  /// Takes a command that another lane's client sent.
  func take(_ command: ClientCommand, of partition: PartitionID, deadline: Int64) {
    guard let place = place(of: partition), !seats[place].isGone else {
      return route(command.request, .refused(.partitionStopped(partition)))
    }
    guard seats[place].entrance.command(command, deadline) else { return route(command.request, .refused(.overloaded)) }
    markToStep(place)
  }

  func look(_ query: Query) -> View? {
    let partition = query.partition(by: partitioner)
    guard let place = place(of: partition), !seats[place].isGone,
      shared.gates[shared.flat(partition)].state.isReadable
    else { return nil }
    return seats[place].entrance.look(query, now)
  }

  func ask(_ query: Query, number: UInt64) throws(RequestRefusal) {
    let partition = query.partition(by: partitioner)
    switch shared.gates[shared.flat(partition)].state {
    case .open, .full: break
    case .replaying: throw .starting
    case .stopped: throw .partitionStopped(partition)
    case .elsewhere: throw .overloaded
    }
    let request = RequestID(incarnation: shared.run, lane: UInt16(index), number: number)
    let owner = shared.laneOf(partition)
    if owner == index { read(query, for: request) } else { post(.read(query, request), toLane: owner) }
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
    let partition = query.partition(by: partitioner)
    guard let place = place(of: partition), !seats[place].isGone else {
      return route(request, .refused(.partitionStopped(partition)))
    }
    var isTaken = true
    let now = now
    change(at: place) { entrance, actions in
      if let standing = entrance.read(query, request, now, &actions) { return standing }
      isTaken = false
      return entrance.standing(&actions)
    }
    if !isTaken { route(request, .refused(.overloaded)) }
  }
}
