/// How a lane's price cache uses Redis.
public struct RedisOptions: Hashable, Sendable {
  public var address: RedisAddress
  /// Prefix of every key, so that clusters can share a database; at most `prefixBytesMax` bytes.
  public var keyPrefix: String
  /// After this long Redis forgets a price by itself. At least 1.
  public var lifetimeMilliseconds: Int64
  /// For `rediss://`: a PEM file of the authorities' certificates; nil trusts the system's.
  public var authoritiesPath: String?
  public var limits = RedisLimits()

  public static let prefixBytesMax = 128

  public init(address: RedisAddress, keyPrefix: String = "kassa:", lifetimeMilliseconds: Int64 = 60_000) {
    self.address = address
    self.keyPrefix = keyPrefix
    self.lifetimeMilliseconds = lifetimeMilliseconds
  }

  /// What is wrong with these values; empty if they are usable.
  public var complaints: [String] {
    var complaints = limits.complaints
    if keyPrefix.utf8.count > Self.prefixBytesMax { complaints.append("the key prefix is too long") }
    if lifetimeMilliseconds < 1 { complaints.append("prices must live for at least 1 ms") }
    return complaints
  }
}
