/// The bounds of one stream.
public struct StreamLimits: Hashable, Sendable {
  /// Inputs that a stream of commands holds, numbered or not; the next one is refused. Messages are never refused: the
  /// number of unfinished checkouts bounds them at the entry.
  public var queuedInputsMax = 4_096
  /// Inputs under way to the owner and not acknowledged.
  public var unacknowledgedInputsMax = 4_096
  /// Inputs of one frame.
  public var frameInputsMax = 512
  /// Bytes of one frame; a single input may exceed it.
  public var frameBytesMax = 256 << 10

  /// How long a partition remembers a session that nobody uses, by the partition's time.
  public var sessionLifeMilliseconds: Int64 = 2 * 60 * 60 * 1_000

  public init() {}

  /// A sentence about the first bound that is out of range.
  public var contradiction: String? {
    let all = [queuedInputsMax, unacknowledgedInputsMax, frameInputsMax, frameBytesMax, Int(sessionLifeMilliseconds)]
    return all.contains { $0 < 1 } ? "every bound of a stream must be at least 1" : nil
  }
}
