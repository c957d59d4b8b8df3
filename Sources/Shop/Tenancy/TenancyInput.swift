import Model
import PartitionCore
import Streams

/// Whatever reaches an owner, one thing after another.
public enum TenancyInput: Sendable {
  /// A client's command, within the only process.
  ///
  /// - Parameter deadline: when its client gives up, by the owners' monotonic clock in milliseconds.
  case command(ClientCommand, deadline: Int64)
  /// The next message of a stream within the only process, for the tenure `to`.
  case message(Message, number: UInt64, from: PartitionID, to: OwnerID)
  case frame(StreamFrame<StreamInput>)
  case read(Query, RequestID)
  /// What the ingest log holds next, for the tenure `to`; ascending.
  case ingest([LoggedInput], to: OwnerID)

  // What the log says.
  case confirmed(UInt64, at: Int64?)
  case readBack(LogRecord, at: Int64)
  case readBackUndecodable(String, at: Int64)
  case readBackEnded(at: Int64)

  // What the receivers of the partition's own messages and of its replies say.
  case acknowledgement(StreamAcknowledgement)
  case greeting(StreamGreeting)
  case gap(StreamGap)
  /// A source asks how far its stream has come here.
  case askGreeting(StreamSource, asker: UInt64)
  /// The link to a destination's owner broke, or it no longer owns it.
  case disconnected(PartitionID, of: OwnerID)
  case repliesReceived([RequestID])
  /// The link to a pod broke: replies may not have reached it.
  case sendRepliesAgain

  // What other owners of the partition say.
  case predecessorReleased(OwnerID)
  case successorAnnounced(OwnerID)
}

extension Tenancy {
  /// Takes what has reached the owner, and continues with what is queued: the replay, or a turn. Evicts what need not
  /// be resident.
  ///
  /// - Parameters:
  ///   - time: the owner's time; the partition's never runs backwards, whatever this is.
  ///   - now: the owner's monotonic clock, in milliseconds.
  ///   - residentMax: entities that may stay in memory.
  /// - Returns: how many records were applied, and how many entities evicted.
  public mutating func step(
    taking inputs: borrowing [TenancyInput], at time: Timestamp, now: Int64, residentMax: Int,
    into actions: inout TenancyActions
  ) -> (applied: UInt64, evicted: Int) {
    for place in 0..<inputs.count { take(inputs[place], at: time, now, &actions) }
    let before = number
    if isReplaying {
      advanceReplay(at: now, into: &actions)
    } else {
      turn(at: time, now: now, into: &actions)
    }
    return (number - before, evict(downTo: residentMax))
  }

  private mutating func take(
    _ input: TenancyInput, at time: Timestamp, _ now: Int64, _ actions: inout TenancyActions
  ) {
    switch input {
    case .command(let command, let deadline):
      if !receive(command, deadline: deadline) { actions.replies.append(.skipped(command.request, .overloaded)) }
    case .message(let message, let number, let source, let owner):
      receive(message, number, from: .partition(source), to: owner, into: &actions)
    case .frame(let frame): receive(frame, into: &actions)
    case .read(let query, let request):
      if read(query, for: request, at: now, into: &actions) { return }
      // The partition's next owner answers it.
      if mode.isShared, !isAdmitting { return actions.forwarded.append((query, request)) }
      actions.refusedReads.append(request)
    case .ingest(let inputs, let owner): receive(inputs, for: owner)
    case .confirmed(let number, let offset): confirmed(number, at: offset, now: now, into: &actions)
    case .readBack(let record, let offset): readBack(record, at: offset, now: now, into: &actions)
    case .readBackUndecodable(let reason, let offset): readBackUndecodable(reason, at: offset)
    case .readBackEnded(let end): readBackEnded(at: end, now: now, into: &actions)
    case .acknowledgement(let acknowledgement): take(acknowledgement, into: &actions)
    case .greeting(let greeting): take(greeting, into: &actions)
    case .gap(let gap): take(gap, into: &actions)
    case .askGreeting(let source, let asker): greet(source, asker: asker, at: time, into: &actions)
    case .disconnected(let destination, let owner): disconnected(from: destination, of: owner)
    case .repliesReceived(let requests): for request in requests { replyReceived(request) }
    case .sendRepliesAgain: sendRepliesAgain(into: &actions)
    case .predecessorReleased(let owner): predecessorReleased(owner, into: &actions)
    case .successorAnnounced(let owner): successorAnnounced(owner, into: &actions)
    }
  }

  /// Takes one message of a partition; as a frame of one.
  private mutating func receive(
    _ message: Message, _ number: UInt64, from source: StreamSource, to owner: OwnerID,
    into actions: inout TenancyActions
  ) {
    guard owner == self.owner, isAdmitting, let applied = received.highest(of: source, at: state.now) else { return }
    let highest = max(applied, queuedThrough[source])
    guard number > highest else { return acknowledge(source, into: &actions) }
    guard number == highest + 1 else { return refuse(source, expected: highest + 1, into: &actions) }
    let origin = LoggedInput.Origin(source: source, number: number)
    queue(.init(origin: origin, input: .message(message), asOf: .zero))
    queuedThrough[source] = number
  }
}
