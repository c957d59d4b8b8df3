import EventLog
import Lanes
import Model
import PartitionCore
import Tenancy

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
    if shared.log.isBacklogged { throw shared.log.failure == nil ? .overloaded : .logFailed }
    let command = ClientCommand(
      request: RequestID(incarnation: shared.run, lane: UInt16(index), number: number), idempotency: idempotency,
      trace: trace, command: command)
    send(.command(command, deadline: now + shared.options.replyMilliseconds), to: partition)
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
    send(.read(query, request), to: partition)
  }

  private func checkPhase() throws(RequestRefusal) {
    switch shared.phase {
    case .running: return
    case .starting: throw .starting
    case .stopping: throw .stopping
    }
  }
}
