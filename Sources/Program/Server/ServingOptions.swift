import Callers
import Glibc
import HTTPServer
import Model
import PartitionCore
import Runtime
import RestAPI
import Settings
import Telemetry

/// The settings that every mode has, as each part needs them.
public struct ServingOptions: Sendable {
  public let runtime: RuntimeOptions
  public let rest: RestLimits
  public let http: HTTPLimits
  public let operatorHTTP: HTTPLimits
  public let httpEndpoint: HTTPEndpoint
  public let operatorEndpoint: HTTPEndpoint
  public let tls: TLSMaterial?
  /// Where the value comes from.
  let tlsFiles: TLSFiles?
  /// nil: nobody has an API key.
  let apiKeysFile: String?
  /// nil: no tokens are accepted.
  let tokens: TokenOptions?
  /// For API keys that name none; nil: unlimited.
  let callerRate: CallerRate?
  /// Which requests get a line of the access log; nil: none.
  let accessLog: AccessLog.Scope?
  let logFormat: LogFormat
  let browsers: BrowserRules
  let operatorBrowsers: BrowserRules
  /// Whether the operator port answers more than the probes only to callers with one of its scopes.
  var operatorAsksForKeys: Bool

  /// - Throws: `ConfigurationError`.
  public init(_ settings: ServeSettings) throws {
    runtime = try Self.runtime(settings)
    rest = Self.rest(settings)
    http = Self.http(settings)
    var operatorHTTP = HTTPLimits()
    // Whatever one address does, there is room for the probes of another.
    operatorHTTP.connectionsMax = 64
    operatorHTTP.connectionsPerAddressMax = 48
    self.operatorHTTP = operatorHTTP
    httpEndpoint = HTTPEndpoint(host: settings.http.host, port: settings.http.port)
    operatorEndpoint = HTTPEndpoint(host: settings.operatorPort.host, port: settings.operatorPort.port)
    tlsFiles = TLSFiles(settings)
    tls = try tlsFiles?.read()
    apiKeysFile = settings.apiKeysFile
    tokens = TokenOptions(settings)
    accessLog =
      switch settings.accessLog {
      case .off: nil
      case .errors: .errors
      case .all: .all
      }
    logFormat = LogFormat(rawValue: settings.logFormat.rawValue) ?? .text
    browsers = BrowserRules(
      isLoopback: settings.http.isLoopback, hosts: settings.hosts, origins: settings.corsOrigins)
    operatorBrowsers = BrowserRules(isLoopback: settings.operatorPort.isLoopback, hosts: settings.hosts)
    operatorAsksForKeys = !settings.operatorPort.isLoopback && settings.asksCallers
    callerRate = settings.callerRate.flatMap { CallerRate(perSecond: $0) }
    for contradiction in [runtime.contradiction, rest.contradiction] {
      if let contradiction { throw ConfigurationError(contradiction) }
    }
  }

  private static func runtime(_ settings: ServeSettings) throws -> RuntimeOptions {
    guard let partitioner = Partitioner(count: settings.partitions) else {
      throw ConfigurationError("\(settings.partitions) is not a number of partitions: 1…4096")
    }
    let lanes = settings.lanes ?? min((AvailableCores.ofThisProcess() + 1) / 2, settings.partitions)
    var options = RuntimeOptions(partitioner: partitioner, laneCount: lanes)
    // A batch waits longer: if one of its replies is lost because two pods fail together, it ends with 504 by
    // its deadline.
    options.replyMilliseconds = settings.requestDeadlineMilliseconds
    options.remoteReadMilliseconds = settings.requestDeadlineMilliseconds
    options.checkpointIntervalMilliseconds = settings.checkpointIntervalMilliseconds
    options.core.checkpointEntitiesDue = settings.checkpointEntitiesDue
    options.core.residentMax = settings.residentEntitiesMax
    options.core.dirtyMax = settings.dirtyEntitiesMax
    options.rules.idempotencyExpiryMilliseconds = settings.idempotencyExpiryMilliseconds
    options.rules.orderRetentionMilliseconds = settings.orderRetentionMilliseconds
    options.rules.itemParkedMax = settings.itemParkedMax
    options.rules.orderLinesMax = settings.orderLinesMax
    options.rules.orderWaitersMax = settings.orderWaitersMax
    return options
  }

  private static func rest(_ settings: ServeSettings) -> RestLimits {
    var limits = RestLimits()
    limits.pendingRequestsMax = settings.pendingRequestsMax
    limits.requestDeadlineMilliseconds = settings.requestDeadlineMilliseconds
    limits.batchDeadlineMilliseconds = settings.batchDeadlineMilliseconds
    limits.pathBytesMax = settings.pathBytesMax
    return limits
  }

  private static func http(_ settings: ServeSettings) -> HTTPLimits {
    var limits = HTTPLimits()
    limits.connectionsMax = settings.connectionsMax
    limits.connectionsPerAddressMax = settings.connectionsPerAddressMax
    limits.headBytesMax = settings.headBytesMax
    limits.targetBytesMax = settings.pathBytesMax
    limits.bodyBytesMax = settings.bodyBytesMax
    limits.requestMilliseconds = Int(clamping: settings.requestReadMilliseconds)
    limits.idleMilliseconds = Int(clamping: settings.idleMilliseconds)
    limits.answerMilliseconds = Int(clamping: settings.answerMilliseconds)
    return limits
  }

}

/// Which tokens are accepted.
struct TokenOptions: Sendable {
  let keysFile: String
  let rules: TokenRules
  /// Of each subject; nil: unlimited.
  let rate: CallerRate?

  /// nil without tokens.
  init?(_ settings: ServeSettings) {
    guard let file = settings.jwtKeysFile, let issuer = settings.jwtIssuer, let audience = settings.jwtAudience else {
      return nil
    }
    keysFile = file
    rules = TokenRules(issuer: issuer, audience: audience, scopeClaim: settings.jwtScopeClaim)
    rate = settings.jwtRate.flatMap { CallerRate(perSecond: $0) }
  }
}

/// The files of a certificate and its key.
struct TLSFiles: Sendable {
  private let certificate: String
  private let key: String

  /// nil without TLS.
  init?(_ settings: ServeSettings) {
    guard let certificate = settings.tlsCertificateFile, let key = settings.tlsKeyFile else { return nil }
    self.certificate = certificate
    self.key = key
  }

  /// - Throws: `ConfigurationError`.
  func read() throws(ConfigurationError) -> TLSMaterial {
    TLSMaterial(certificate: try Self.contents(certificate), key: try Self.contents(key, isSecret: true))
  }

  /// The bytes of a file.
  private static func contents(_ path: String, isSecret: Bool = false) throws(ConfigurationError) -> [UInt8] {
    guard let file = fopen(path, "rbe") else {
      throw ConfigurationError("\(path): \(String(cString: strerror(errno)))")
    }
    defer { fclose(file) }
    var status = stat()
    guard fstat(fileno(file), &status) == 0 else {
      throw ConfigurationError("\(path): \(String(cString: strerror(errno)))")
    }
    if isSecret, let flaw = GuardedFile.flaw(status, path, .secret) { throw ConfigurationError("\(path): \(flaw)") }
    var bytes = [UInt8](repeating: 0, count: fileBytesMax + 1)
    let count = fread(&bytes, 1, bytes.count, file)
    guard ferror(file) == 0, count <= fileBytesMax else {
      throw ConfigurationError("\(path): cannot be read, or has more than \(fileBytesMax) bytes")
    }
    return Array(bytes.prefix(count))
  }

  /// The longest certificate or key file.
  private static let fileBytesMax = 1 << 20
}
