import Clocks

/// The bounds of a load run.
public enum LoadLimits {
  public static let connectionsMax = 1_024
  public static let ratePerSecondMax = 1_000_000.0
  public static let secondsMax = 3_600.0
  /// Users, items and orders of one run, for each kind.
  public static let entitiesMax = 5_000_000

  /// The longest answer; a longer one counts as malformed.
  public static let answerBytesMax = 1_048_576
  /// The longest head of an answer.
  public static let headBytesMax = 16_384
  /// Arrivals of an open loop waiting for a connection; those beyond this count as failed.
  public static let arrivalsWaitingMax = 65_536
  /// Calls kept in a history; those beyond this are only counted.
  public static let historyCallsMax = 4_000_000
  /// Keyed calls sent again after the run to compare their answers.
  public static let keysReplayedMax = 200_000
  /// Broken rules described in words; those beyond this are only counted.
  public static let violationsDescribedMax = 20

  /// Minimum connections for set-up and read-back; the measured phase may use more.
  static let auxiliaryConnections = 64
  /// Events taken from the kernel at once.
  static let eventsMax = 256
  /// How often timeouts, retries and reconnects are checked.
  static let tickNanoseconds: Int64 = 5_000_000
  /// In nanoseconds, before a lost connection is reopened.
  static let backoff = Backoff(first: 10_000_000, longest: 500_000_000)
  /// How long a `batch_init` may take.
  static let batchTimeoutSeconds = 130.0
  /// How long orders may still be under way after the last call before that counts as a saga that never ends.
  static let settlingSeconds = 15.0
}
