import Model
import Streams

/// One record of a partition's log.
///
/// Only the owner writes records, and each names the tenure it was written in. A tenure begins with `Owned`; its
/// records are numbered by the partition, across tenures, so that gaps and repetitions show whatever the log
/// itself says of offsets.
public enum LogRecord: Hashable, Sendable {
  /// From here on the partition belongs to this owner. Has no number.
  case owned(Owner)
  case turn(TurnRecord)

  /// Whose tenure it belongs to.
  /// Inputs in it.
  public var entryCount: Int { if case .turn(let record) = self { record.entries.count } else { 0 } }

  public var owner: OwnerID {
    switch self {
    case .owned(let owner): OwnerID(epoch: owner.epoch, run: owner.incarnation)
    case .turn(let record): record.owner
    }
  }

  /// Its place among the counted records of the partition; nil for `owned`.
  public var number: UInt64? {
    switch self {
    case .owned: nil
    case .turn(let record): record.number
    }
  }
}

/// Everything that one turn of an owner applied, in order.
public struct TurnRecord: Hashable, Sendable {
  public let owner: OwnerID
  /// The record's place among the counted records of the partition, from 1.
  public let number: UInt64
  /// The partition's time: the owner's, and never earlier than the record before. What entries say of time is
  /// ignored.
  public let time: Timestamp
  /// Changes of rules and limits, applied first; `released` as an owner's last word if it has no successor.
  public let controls: [Control]
  public let entries: [LoggedInput]

  public init(owner: OwnerID, number: UInt64, time: Timestamp, controls: [Control] = [], entries: [LoggedInput]) {
    self.owner = owner
    self.number = number
    self.time = time
    self.controls = controls
    self.entries = entries
  }
}

/// An input as the log holds it.
public struct LoggedInput: Hashable, Sendable {
  /// Which stream it came by, and its number there; nil for a command that reached its owner within one process
  /// whose log is a single sequence, where no number is needed.
  public let origin: Origin?
  public let body: Body

  public init(origin: Origin?, body: Body) {
    self.origin = origin
    self.body = body
  }

  /// What the partition's ingest log has at a place.
  ///
  /// - Parameters:
  ///   - number: its offset plus 1.
  ///   - command: nil for what is not a command for the partition. Its request is `RequestID(ingested:)`.
  public init(ingested number: UInt64, _ command: ClientCommand?) {
    origin = Origin(source: .ingest, number: number)
    body = command.map(Body.command) ?? .skip(RequestID(ingested: number), .unreadable)
  }

  /// Whether somebody waits for what it brings about.
  public var isAwaited: Bool { if case .message(let message) = body { message.isAwaited } else { true } }

  /// Roughly the bytes it takes in the log; seldom too few.
  public var byteEstimate: Int {
    switch body {
    case .command(let command): StreamInput.command(command, deadline: nil).byteEstimate
    case .message(let message): message.byteEstimate
    case .skip: 64
    }
  }

  /// The command with its place in its stream, but not executed.
  public func skipped(_ reason: SkipReason) -> LoggedInput {
    guard case .command(let command) = body else { return self }
    return LoggedInput(origin: origin, body: .skip(command.request, reason))
  }

  public struct Origin: Hashable, Sendable {
    public let source: StreamSource
    public let number: UInt64

    public init(source: StreamSource, number: UInt64) {
      self.source = source
      self.number = number
    }
  }

  public enum Body: Hashable, Sendable {
    case command(ClientCommand)
    case message(Message)
    /// A numbered command that is not executed: its number is used, so that the stream has no hole.
    case skip(RequestID?, SkipReason)
  }
}

/// What a stream carries to a partition.
public enum StreamInput: Hashable, Sendable {
  /// - Parameter deadline: when its client gives up, in milliseconds of the owner's monotonic clock; nil for never.
  case command(ClientCommand, deadline: Int64?)
  case message(Message)
}

extension StreamInput {
  /// Roughly the bytes it takes in the log or on its way; seldom too few.
  public var byteEstimate: Int {
    switch self {
    case .command(let command, _): command.byteEstimate
    case .message(let message): message.byteEstimate
    }
  }
}

extension ClientCommand {
  fileprivate var byteEstimate: Int {
    let bytes = 192 + (idempotency?.key.text.utf8.count ?? 0)
    guard case .orders(.sweep(let ids)) = command else { return bytes }
    return ids.reduce(bytes) { $0 + 2 + $1.text.utf8.count }
  }
}

extension Message {
  /// Roughly the bytes it takes in the log or on its way; seldom too few.
  public var byteEstimate: Int {
    guard let slip else { return 128 }
    return slip.stops.reduce(160) { bytes, stop in
      stop.lines.reduce(bytes + 16) { $0 + 24 + $1.item.text.utf8.count }
    }
  }
}
