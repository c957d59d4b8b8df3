import Model
import Telemetry

/// The sources of the operator port's figures. Everything here may be called from the operator's lane at any time and
/// must not block.
public struct OperatorSources: Sendable {
  /// The program's version in `/metrics` and `/`.
  public var version: String
  /// The cluster pod that this is; nil in embedded mode.
  public var pod: OperatorPod?
  /// When the process started, in milliseconds since 1970-01-01 UTC.
  public var startedMilliseconds: Int64
  /// One per lane, as its REST API records them.
  public var requests: [RequestMetrics]
  /// The HTTP servers of all lanes together; nil omits their metrics.
  public var server: (@Sendable () -> ServerFigures)?
  /// The log; nil omits its metrics.
  public var log: (@Sendable () -> LogFigures)?
  /// nil: none is written.
  public var accessLog: AccessLog?
  /// Whether the process has been asked to stop and still serves: then it is no longer ready.
  public var isLeaving: @Sendable () -> Bool = { false }
  /// Why nothing can be served although the process runs, given how long the oldest record has waited for the log, in
  /// milliseconds: the log is out of reach. nil if it is not.
  public var cutOff: @Sendable (_ appendAgeMilliseconds: Int64) -> String? = { _ in nil }
  /// How far the partitions owned here are with what other systems write; nil if those may write nothing.
  public var ingest: (@Sendable () -> [PartitionID: IngestFigures])?
  /// What the adapters add to `/metrics`: each writes its own metrics.
  public var metrics: [@Sendable (inout PrometheusText) -> Void] = []
  /// Pages besides the port's own.
  public var pages: [OperatorPage] = []
  /// Reloads what may change while the server runs, and reports the outcome later, on any thread.
  public var reload: @Sendable (_ completion: @escaping @Sendable (ReloadReport) -> Void) -> Void = {
    $0(ReloadReport())
  }

  public init(
    version: String, startedMilliseconds: Int64, requests: [RequestMetrics] = [],
    server: (@Sendable () -> ServerFigures)? = nil, log: (@Sendable () -> LogFigures)? = nil
  ) {
    self.version = version
    self.startedMilliseconds = startedMilliseconds
    self.requests = requests
    self.server = server
    self.log = log
  }
}

/// What was reloaded while a server runs.
public struct ReloadReport: Sendable, Hashable {
  /// The names of the settings that were reloaded.
  public var read: [String]
  /// A sentence about each that could not be: what was in force before stays.
  public var failures: [String]

  public init(read: [String] = [], failures: [String] = []) {
    self.read = read
    self.failures = failures
  }
}

/// A run of a pod.
public struct OperatorPod: Sendable, Hashable {
  public let name: String
  public let incarnation: UInt64

  public init(name: String, incarnation: UInt64) {
    self.name = name
    self.incarnation = incarnation
  }
}

/// A page about one adapter.
public struct OperatorPage: Sendable {
  /// Such as `/peers`.
  public let path: StaticString
  /// JSON.
  public let body: @Sendable () -> [UInt8]

  public init(_ path: StaticString, body: @escaping @Sendable () -> [UInt8]) {
    self.path = path
    self.body = body
  }
}

/// What the HTTP servers have counted.
public struct ServerFigures: Sendable, Hashable {
  /// Open now.
  public var connections: UInt64
  public var connectionsAccepted: UInt64
  /// Refused at a bound: in total, or for one address.
  public var connectionsRefused: UInt64
  /// Idle, and closed at a bound to make room for others.
  public var connectionsDisplaced: UInt64

  public init(
    connections: UInt64, connectionsAccepted: UInt64, connectionsRefused: UInt64, connectionsDisplaced: UInt64
  ) {
    self.connections = connections
    self.connectionsAccepted = connectionsAccepted
    self.connectionsRefused = connectionsRefused
    self.connectionsDisplaced = connectionsDisplaced
  }
}

/// The log's progress.
public struct LogFigures: Sendable, Hashable {
  public var appendedPosition: UInt64
  public var durablePosition: UInt64
  /// Group commits so far.
  public var commits: UInt64
  public var isFailed: Bool

  public init(appendedPosition: UInt64, durablePosition: UInt64, commits: UInt64, isFailed: Bool) {
    self.appendedPosition = appendedPosition
    self.durablePosition = durablePosition
    self.commits = commits
    self.isFailed = isFailed
  }
}
