/// Whether an owner may answer reads from memory: only while nobody else can have answered anything.
///
/// An append of the owner's own, sent less than a lease ago, was confirmed at the offset it had to get: so nobody else
/// had written by then, and a successor waits for a lease from its `Owned` on before it answers. The lease therefore
/// runs from the *sending* of the append, not from its return.
///
/// Times are milliseconds of a monotonic clock that counts while the process is stopped. Clocks of two owners need not
/// agree, only run equally fast to a tenth: the successor waits a tenth longer.
public struct Lease: Hashable, Sendable {
  public let milliseconds: Int64
  /// When the newest confirmed append was sent.
  private var since: Int64?
  private let planted: TenancyBug?

  public init(milliseconds: Int64, planted: TenancyBug? = nil) {
    self.milliseconds = milliseconds
    self.planted = planted
  }

  /// How long a new owner waits for its predecessor's lease to end.
  public var waitMilliseconds: Int64 { milliseconds + milliseconds / 10 }

  /// An append sent at `sentAt` was confirmed where it had to be.
  public mutating func confirmed(sentAt: Int64, at now: Int64) {
    let start = planted.is(.leaseFromReturn) ? now : sentAt
    since = max(since ?? start, start)
  }

  public func holds(at now: Int64) -> Bool {
    guard let since else { return false }
    if planted.is(.leaseNotChecked) { return true }
    return now - since < (planted.is(.leaseTwiceAsLong) ? milliseconds * 2 : milliseconds)
  }

  /// Whether less than half of the lease is left, so that a read should renew it.
  public func needsRenewal(at now: Int64) -> Bool {
    guard let since else { return true }
    return now - since >= milliseconds / 2
  }

  public mutating func end() { since = nil }
}
