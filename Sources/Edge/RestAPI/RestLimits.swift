import Model

/// The bounds of the REST API, per lane unless otherwise stated.
public struct RestLimits: Hashable, Sendable {
  /// Requests that wait for a partition; beyond this a request is refused with 503.
  public var pendingRequestsMax = 16_384
  /// How long a request may wait for its partition before it is answered 504.
  public var requestDeadlineMilliseconds: Int64 = 10_000
  /// As above, for a `batch_init`.
  public var batchDeadlineMilliseconds: Int64 = 120_000
  /// `batch_init` requests under way; beyond this one is refused with 503.
  public var batchesMax = 4
  /// Commands of one `batch_init` that wait for their partitions at the same time.
  public var batchCommandsInFlightMax = 32
  /// Roughly how many entities one of these commands makes, so that other requests do not wait long for their turn.
  public var batchCommandEntities: Int64 = 512
  /// The longest path; the longest one that means something has 195 characters, three times that fully escaped.
  public var pathBytesMax = 1_024

  public init() {}

  /// A sentence about the first bound that makes no sense.
  public var contradiction: String? {
    if pendingRequestsMax < 1 || requestDeadlineMilliseconds < 1 || batchDeadlineMilliseconds < 1 || batchesMax < 1
      || batchCommandsInFlightMax < 1 || batchCommandEntities < 1
    {
      return "every bound of the REST API must be at least 1"
    }
    if pathBytesMax < 256 { return "pathBytesMax (\(pathBytesMax)) must be at least 256" }
    return nil
  }
}
