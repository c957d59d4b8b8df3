import Model
import Streams

/// What the runs of two pods say to each other; each arrives once and in order, unless one of the two ends.
///
/// Every word about a partition names the tenure it comes from, or is meant for; a word for another one is void.
public enum MeshMessage: Hashable, Sendable {
  // To everybody.
  /// An owner has replayed its log: it takes streams.
  case owns(OwnerID, PartitionID)

  // To an owner.
  /// The owner before it answers nothing more.
  case released(by: OwnerID, PartitionID, to: OwnerID)
  /// How far has this stream come? `asker` is the epoch of the source's owner, 0 for a session.
  case hello(StreamSource, PartitionID, OwnerID, asker: UInt64)
  /// The deadlines are milliseconds from now: pods share no clock.
  case commands(StreamFrame<StreamInput>)
  case messages(StreamFrame<Message>)
  /// These replies have arrived where their requests wait, or nobody waits for them now.
  case repliesReceived([RequestID], PartitionID, OwnerID)
  case read(Query, RequestID)

  // From an owner to the source of a stream.
  case greeting(StreamGreeting)
  case acknowledgement(StreamAcknowledgement)
  case gap(StreamGap)

  // To the pod that asked.
  /// The receiver does not own the partition under this tenure.
  case notMine(PartitionID, OwnerID)
  case replies([CommandReply], PartitionID, OwnerID)
  case answer(RequestID, View)
  /// The asker has to ask another pod.
  case readForwarded(RequestID)
  case readRefused(RequestID, RequestRefusal)
}

extension MeshMessage {
  /// Whether nobody waits for it: it may travel with what is said to the same pod a little later.
  public var isLazy: Bool {
    switch self {
    case .acknowledgement, .repliesReceived: true
    case .messages(let frame): frame.inputs.allSatisfy(\.isLazy)
    case .owns, .released, .hello, .commands, .read, .greeting, .gap, .notMine, .replies, .answer, .readForwarded,
      .readRefused:
      false
    }
  }

  /// Whether it makes the receiver work, and waits apart from what ends work: requests that nobody takes must never
  /// block the words that make room for them.
  public var asksForWork: Bool {
    switch self {
    case .hello, .commands, .read: true
    case .owns, .released, .messages, .repliesReceived, .greeting, .acknowledgement, .gap, .notMine, .replies, .answer,
      .readForwarded, .readRefused:
      false
    }
  }
}

extension Message {
  /// Whether nobody waits for what it leads to.
  fileprivate var isLazy: Bool {
    switch self {
    case .commit, .forgetPayment: true
    case .reserve, .charge, .paid, .release, .failed: false
    }
  }
}
