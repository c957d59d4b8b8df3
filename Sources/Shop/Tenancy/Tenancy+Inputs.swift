import Model
import PartitionCore
import Streams

// What arrives over streams: admitted in order, or asked for again.

extension Tenancy {
  /// Takes a frame of a stream. Those of its inputs that come next are queued.
  public mutating func receive(_ frame: StreamFrame<StreamInput>, into actions: inout TenancyActions) {
    guard frame.owner == owner || planted.is(.inputsBeforeReplayEnds), isAdmitting else { return }
    guard let applied = received.highest(of: frame.source, at: state.now) else { return }
    if isForgotten(frame.source, asOf: frame.asOf, at: state.now) {
      return refuse(frame.source, expected: 0, into: &actions)
    }
    var highest = max(applied, queuedThrough[frame.source])
    var number = frame.first
    var isRepeated = false
    for input in frame.inputs {
      // A peer may say any number.
      defer { number &+= 1 }
      if number <= highest, !planted.is(.repetitionAdmitted) {
        isRepeated = true
        continue
      }
      if planted.is(.repetitionAdmitted) { number = max(number, highest + 1) }
      guard number == highest + 1 || planted.is(.gapAdmitted) else {
        refuse(frame.source, expected: highest + 1, into: &actions)
        break
      }
      let origin = LoggedInput.Origin(source: frame.source, number: number)
      queue(.init(origin: origin, input: input, asOf: frame.asOf))
      highest = number
      queuedThrough[frame.source] = number
    }
    if isRepeated { acknowledge(frame.source, into: &actions) }
  }

  /// Whether a session may have been known and forgotten: it is unknown, and what its sender relies on is old enough
  /// for that. Then what it sends may already have been executed, and its numbers mean nothing.
  func isForgotten(_ source: StreamSource, asOf: Timestamp, at now: Timestamp) -> Bool {
    guard case .session = source, received.highest(of: source, at: now) == 0 else { return false }
    let age = now.milliseconds - max(0, asOf.milliseconds)
    return age > limits.stream.sessionLifeMilliseconds / 2
  }

  /// Makes a sender go back to the number that must come next; to 0 if its session has ended.
  func refuse(_ source: StreamSource, expected: UInt64, into actions: inout TenancyActions) {
    actions.gaps.append(StreamGap(source: source, destination: partition, owner: owner, expected: expected))
  }

  /// Takes a command that reached its owner within the process and needs no number.
  /// - Returns: false if nothing is taken now.
  public mutating func receive(_ command: ClientCommand, deadline: Int64?) -> Bool {
    guard isAdmitting, !mode.isShared, commands.count < limits.queuedCommandsMax else { return false }
    queue(.init(origin: nil, input: .command(command, deadline: deadline), asOf: state.now))
    return true
  }

  mutating func queue(_ inbound: Inbound) {
    if case .message = inbound.input { messages.append(inbound) } else { commands.append(inbound) }
  }

  /// Repeats what is durable of a stream: a sender that repeats itself has not heard it.
  mutating func acknowledge(_ source: StreamSource, into actions: inout TenancyActions) {
    let number =
      planted.is(.repetitionAnsweredEarly)
      ? received.highest(of: source, at: state.now) ?? 0 : durableThrough[source]
    guard number > 0 else { return }
    actions.acknowledgements.append(acknowledgement(of: source, number))
  }

  func acknowledgement(of source: StreamSource, _ number: UInt64) -> StreamAcknowledgement {
    StreamAcknowledgement(
      source: source, destination: partition, owner: owner, number: number,
      asOf: received.asOf(source, at: state.now))
  }

  // MARK: The partition's own messages

  /// The destinations with unacknowledged messages, in a fixed order.
  public var destinations: [PartitionID] { outbox.destinations }

  /// The next messages for the owner of `destination`; nil when there are none, or nobody to send them to.
  public mutating func nextFrame(to destination: PartitionID) -> StreamFrame<Message>? {
    mayReveal ? outbox.nextFrame(to: destination) : nil
  }

  /// The owner of a destination says how far this partition's stream has come in its log.
  public mutating func take(_ greeting: StreamGreeting, into actions: inout TenancyActions) {
    // Until the replay ends, what was ever sent is unknown.
    guard isAdmitting, phase != .replaying, !planted.is(.greetingIgnored) else { return }
    follow(outbox.take(greeting, by: owner), of: greeting.destination, into: &actions)
  }

  private mutating func follow(
    _ greeted: StreamSender<Message>.Greeted?, of destination: PartitionID, into actions: inout TenancyActions
  ) {
    switch greeted {
    case .lostLog(let greeted, let acknowledged, let numbered):
      suspect(
        "\(destination) has \(greeted) messages from this partition, which has sent \(numbered), and received "
          + "acknowledgements for \(acknowledged): one of the two has lost part of its log")
    case .resumed: actions.hasMessages = outbox.canSend(to: destination) || actions.hasMessages
    case .stale, .forgotten, nil: break
    }
  }

  /// Something is wrong, or this owner was replaced without knowing it and its successor sent what it knows nothing of:
  /// an append confirmed where it must be settles it.
  private mutating func suspect(_ reason: String) {
    guard suspicion == nil else { return }
    suspicion = (reason, provenBy: (hasCautious ? number + 1 : number) + 1)
    wantsTick = true
  }

  public mutating func take(_ acknowledgement: StreamAcknowledgement, into actions: inout TenancyActions) {
    guard ending == nil else { return }
    if outbox.take(acknowledgement) == nil {
      end(
        .stopped(
          number: number,
          reason: "\(acknowledgement.destination) acknowledged message \(acknowledgement.number), which was never sent")
      )
    }
    actions.hasMessages = outbox.canSend(to: acknowledgement.destination) || actions.hasMessages
  }

  public mutating func take(_ gap: StreamGap, into actions: inout TenancyActions) {
    guard ending == nil else { return }
    follow(outbox.take(gap), of: gap.destination, into: &actions)
  }

  /// The link to a destination's owner broke, or it no longer owns it: nothing is sent until the owner greets.
  public mutating func disconnected(from destination: PartitionID, of former: OwnerID) {
    outbox.disowned(destination, by: former)
  }

  /// The link to a pod broke: what no pod has received is sent again. A pod drops what nobody waits for.
  public func sendRepliesAgain(into actions: inout TenancyActions) {
    if mayReveal, ending == nil { actions.replies += replies.all }
  }

  /// A pod has received the reply to a request, and passes it to its client.
  public mutating func replyReceived(_ request: RequestID) {
    if request.isIngested { refusals.remove(request) } else { replies.remove(request) }
  }
}
