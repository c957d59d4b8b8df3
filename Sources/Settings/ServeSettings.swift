/// Everything that `kassa serve` can be told, with its defaults. What each value means stands in `SettingsTable`.
public struct ServeSettings: Hashable, Sendable {
  public var configFile: String?
  public var mode = ServingMode.embedded

  public var http = Endpoint(host: "127.0.0.1", port: 8000)
  public var operatorPort = Endpoint(host: "127.0.0.1", port: 9000)
  public var tlsCertificateFile: String?
  public var tlsKeyFile: String?

  public var apiKeysFile: String?
  public var servesWithoutAuthentication = false
  /// Requests a second; nil: as many as they like.
  public var callerRate: Int? = 1_000
  /// Names that requests may give as their host; empty: see `SettingsTable`.
  public var hosts: [String] = []
  /// Web pages of these sites may use the API.
  public var corsOrigins: [String] = []

  public var dataFolder = "data"
  /// Of each service, in both modes.
  public var partitions = Self.partitionsDefault
  /// nil: one for two cores that the process may use.
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
  public var clockToleranceMilliseconds: Int64 = 60_000
  public var acceptedClock = ClockAcceptance.plausible
  /// Where nothing else is said, `SettingsResolver` makes it `ClusterSettings.drainDelayDefaultMilliseconds` in cluster
  /// mode.
  public var drainDelayMilliseconds: Int64 = 0
  public var drainMilliseconds: Int64 = 10_000

  /// What only a pod of a cluster is told.
  public var cluster = ClusterSettings()

  /// Partitions of each service where nothing else is said: here alone, and the topics and the deployment files follow.
  public static let partitionsDefault = 8

  public init() {}
}

/// What becomes of log records that checkpoints cover.
public enum EventLogRetention: String, CaseIterable, Sendable {
  /// They are deleted in the background.
  case trim
  /// They are kept forever, so that `kassa verify` can replay the whole history.
  case keep
}

/// With which clock a server starts.
public enum ClockAcceptance: String, CaseIterable, Sendable {
  /// One that fits what is known from elsewhere.
  case plausible
  /// As it is now.
  case now
}

/// From which weight on something is logged.
public enum LoggingLevel: String, CaseIterable, Sendable { case debug, info, warning, error }

/// How a line of the log looks.
public enum LoggingFormat: String, CaseIterable, Sendable { case text, json }

/// Where a server listens.
public struct Endpoint: Hashable, Sendable, CustomStringConvertible {
  /// A name or an IP address, an IPv6 one without brackets.
  public var host: String
  /// 0: any free one.
  public var port: UInt16

  public init(host: String, port: UInt16) {
    self.host = host
    self.port = port
  }

  public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

  /// Reads `HOST:PORT`; an IPv6 address stands in square brackets.
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
