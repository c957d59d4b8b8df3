import Ports
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
    case .replaying where pods == nil: throw .starting
    // The next owner of the partition answers: a change of owners is a pause.
    case .replaying: break
    case .full: throw .overloaded
    case .stopped: throw .partitionStopped(partition)
    case .elsewhere: try checkOwner(of: partition)
    }
    let command = ClientCommand(
      request: RequestID(incarnation: shared.run, lane: UInt16(index), number: number), idempotency: idempotency,
      trace: trace, command: command)
    let deadline = now + shared.options.replyMilliseconds
    if pods != nil { return try offer(command, deadline: deadline, to: partition) }
    if isLogFailed { throw .logFailed }
    if shared.log.isBacklogged { throw shared.log.failure == nil ? .overloaded : .logFailed }
    send(.command(command, deadline: deadline), to: partition)
  }

  /// Refuses a command whose owner is known to take none.
  private func checkOwner(of partition: PartitionID) throws(RequestRefusal) {
    switch pods?.map.owner(of: partition)?.state {
    case .full: throw .overloaded
    case .stopped: throw .partitionStopped(partition)
    default: try checkServed(partition)
    }
  }

  /// Refuses what needs a partition that has had no owner for a while.
  private func checkServed(_ partition: PartitionID) throws(RequestRefusal) {
    if shared.unserved.partitions.contains(partition) { throw .undecidable }
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
    case .replaying where pods == nil: throw .starting
    case .replaying: break
    case .elsewhere: try checkServed(partition)
    case .stopped: throw .partitionStopped(partition)
    }
    if let pods {
      let until = lane.now + UInt64(shared.options.remoteReadMilliseconds)
      guard pods.reads.add(number, query, partition, until: until) else { throw .overloaded }
      return
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
