/// The bounds of one stream.
package struct StreamLimits: Hashable, Sendable {
  /// Inputs that a stream of commands holds, numbered or not; the next one is refused. Messages are never refused: the
  /// number of unfinished checkouts bounds them at the entrance.
  package var queuedInputsMax = 4_096
  /// Inputs under way to the owner that it has not acknowledged.
  package var unacknowledgedInputsMax = 4_096
  /// Inputs of one frame.
  package var frameInputsMax = 512
  /// Bytes of one frame; a single input may exceed it.
  package var frameBytesMax = 256 << 10

  /// How long a partition remembers a session that nobody uses, by the partition's time.
  package var sessionLifeMilliseconds: Int64 = 2 * 60 * 60 * 1_000

  package init() {}

  /// A sentence about the first bound that is out of range.
  package var contradiction: String? {
    let all = [queuedInputsMax, unacknowledgedInputsMax, frameInputsMax, frameBytesMax, Int(sessionLifeMilliseconds)]
    return all.contains { $0 < 1 } ? "every bound of a stream must be at least 1" : nil
  }
}
