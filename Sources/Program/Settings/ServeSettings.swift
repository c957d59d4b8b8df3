/// All settings of `kassa serve`, with their defaults. `SettingsTable` says what each value means.
public struct ServeSettings: Hashable, Sendable {
  public var configFile: String?
  public var mode = ServingMode.embedded

  public var http = Endpoint(host: "127.0.0.1", port: 8000)
  public var operatorPort = Endpoint(host: "127.0.0.1", port: 9000)
  public var tlsCertificateFile: String?
  public var tlsKeyFile: String?

  public var apiKeysFile: String?
  /// The public keys of the tokens' issuer; nil: no tokens are accepted.
  public var jwtKeysFile: String?
  public var jwtIssuer: String?
  public var jwtAudience: String?
  public var jwtScopeClaim = "scope"
  /// Requests per second of one subject; nil: unlimited.
  public var jwtRate: Int? = 1_000
  public var servesWithoutAuthentication = false
  /// Requests per second; nil: unlimited.
  public var callerRate: Int? = 1_000
  /// Names that requests may use as their host; empty: see `SettingsTable`.
  public var hosts: [String] = []
  /// Web pages of these sites may use the API.
  public var corsOrigins: [String] = []

  public var dataFolder = "data"
  /// Per service, in both modes.
  public var partitions = Self.partitionsDefault
  /// nil: one per two cores that the process may use.
  public var lanes: Int?

  public var connectionsMax = 10_000
  public var connectionsPerAddressMax = 4_096
  public var headBytesMax = 8 << 10
  public var pathBytesMax = 1 << 10
  public var bodyBytesMax = 64 << 10
  public var requestReadMilliseconds: Int64 = 10_000
  public var answerMilliseconds: Int64 = 10_000
  public var idleMilliseconds: Int64 = 75_000
  public var requestDeadlineMilliseconds: Int64 = 10_000
  public var batchDeadlineMilliseconds: Int64 = 120_000
  public var pendingRequestsMax = 16_384

  public var idempotencyExpiryMilliseconds: Int64 = 24 * 60 * 60 * 1_000
  /// nil: orders are kept for ever.
  public var orderRetentionMilliseconds: Int64?
  public var orderLinesMax = 500
  public var orderWaitersMax = 256
  public var itemParkedMax = 4_096

  public var checkpointIntervalMilliseconds: Int64 = 1_000
  public var checkpointEntitiesDue = 20_000
  public var residentEntitiesMax = 2_000_000
  public var dirtyEntitiesMax = 1_000_000
  public var eventLogQueuedRecordsMax = 65_536
  public var eventLogQueuedBytesMax = 64 << 20
  public var eventLogRetention = EventLogRetention.trim
  public var priceCacheEntriesMax = 100_000
  public var priceCacheMilliseconds: Int64 = 60_000

  public var logLevel = LoggingLevel.info
  public var logFormat = LoggingFormat.text
  public var accessLog = AccessLogging.off
  public var clockToleranceMilliseconds: Int64 = 60_000
  public var acceptedClock = ClockAcceptance.plausible
  /// How long a server keeps serving after SIGTERM. The default is as long as the probes in `k8s/` and the chart need
  /// to notice; one of their tests makes sure of it.
  public var drainDelayMilliseconds: Int64 = 5_000
  public var drainMilliseconds: Int64 = 10_000

  /// The settings that only a pod of a cluster has.
  public var cluster = ClusterSettings()

  /// Default number of partitions per service: defined only here; the topics and the deployment files follow.
  public static let partitionsDefault = 8

  public init() {}

  /// Whether callers have to identify themselves.
  public var asksCallers: Bool { apiKeysFile != nil || jwtKeysFile != nil }
}

/// What happens to log records covered by checkpoints.
public enum EventLogRetention: String, CaseIterable, Sendable {
  /// They are deleted in the background.
  case trim
  /// They are kept forever, so that `kassa verify` can replay the whole history.
  case keep
}

/// Which clocks a server accepts at its start.
public enum ClockAcceptance: String, CaseIterable, Sendable {
  /// A clock that fits what is known from elsewhere.
  case plausible
  /// The clock as it is now.
  case now
}

/// The lowest level that is logged.
public enum LoggingLevel: String, CaseIterable, Sendable { case debug, info, warning, error }

/// Which requests get a line in the log.
public enum AccessLogging: String, CaseIterable, Sendable { case off, errors, all }

/// The format of log lines.
public enum LoggingFormat: String, CaseIterable, Sendable { case text, json }

/// Where a server listens.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
  /// A name or an IP address, IPv6 without brackets.
  public var host: String
  /// 0: any free one.
  public var port: UInt16

  public init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// Reads `HOST:PORT`; IPv6 addresses are in square brackets.
  public init?(_ text: String) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]),
      text[text.index(after: colon)...].allSatisfy(\.isNumber)
    else { return nil }
    var host = text[..<colon]
    let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
    if isBracketed { host = host.dropFirst().dropLast() }
    guard !host.isEmpty, host.contains(":") == isBracketed,
      host.utf8.allSatisfy({ isHostByte($0) || ($0 == UInt8(ascii: ":") && isBracketed) })
    else { return nil }
    self.init(host: String(host), port: port)
  }
}

private func isHostByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "%"), UInt8(ascii: "_"):
    true
  default: false
  }
}
