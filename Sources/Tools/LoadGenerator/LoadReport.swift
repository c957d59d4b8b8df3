import Telemetry

/// Percentiles of latencies, in microseconds.
public struct LatencySummary: Sendable, Equatable {
  public let count: UInt64
  public let mean: Double
  public let p50: Int64
  public let p95: Int64
  public let p99: Int64
  public let p999: Int64
  public let max: Int64

  init(_ histogram: HDRHistogram) {
    count = histogram.count
    mean = histogram.meanMicroseconds
    p50 = histogram.percentile(50)
    p95 = histogram.percentile(95)
    p99 = histogram.percentile(99)
    p999 = histogram.percentile(99.9)
    max = histogram.maxMicroseconds
  }
}

/// The result of asking again under the same idempotency keys.
public struct KeyReport: Sendable, Equatable {
  public internal(set) var used = 0
  public internal(set) var replayed = 0
  public internal(set) var equal = 0
  /// Answers that differ from the run's.
  public internal(set) var different = 0
  /// Keys without an answer, or with one that may change.
  public internal(set) var unanswered = 0
  /// Answers of the replay with `Idempotent-Replayed: true`.
  public internal(set) var marked = 0
}

/// What a run measured and found.
public struct LoadReport: Sendable {
  public let configuration: LoadConfiguration
  /// From the end of the warm-up to the last answer that counts.
  public internal(set) var measuredSeconds = 0.0
  /// Answers in that time.
  public internal(set) var answers = 0
  public var ratePerSecond: Double { measuredSeconds > 0 ? Double(answers) / measuredSeconds : 0 }
  /// From the intended start of each call; calls without an answer count with the time spent waiting.
  public internal(set) var latency = LatencySummary(HDRHistogram())
  /// By kind of call, if there is more than one.
  public internal(set) var latencyByKind: [(kind: CallKind, latency: LatencySummary)] = []
  public internal(set) var statuses: [UInt16: Int] = [:]
  /// Of the whole run, including set-up and read-back.
  public internal(set) var failures: [CallFailure: Int] = [:]
  public internal(set) var unexpectedStatuses: [UInt16: Int] = [:]
  public internal(set) var retries = 0
  public internal(set) var reconnects = 0
  /// Answers with `Idempotent-Replayed: true`, not counting the replay of keys.
  public internal(set) var replayedAnswers = 0
  public internal(set) var arrivalsWaitingHighest = 0
  public internal(set) var bytesSent = 0
  public internal(set) var bytesReceived = 0
  /// CPU seconds in the measured time; nil if the process is unknown, or is now another one.
  public internal(set) var serverCPUSeconds: Double?
  public internal(set) var generatorCPUSeconds = 0.0
  public internal(set) var truth = Truth()
  public internal(set) var keys: KeyReport?
  public internal(set) var history: [CallRecord] = []
  public internal(set) var historyDropped = 0
  /// Notes that qualify the figures.
  public internal(set) var notes: [String] = []

  init(configuration: LoadConfiguration) { self.configuration = configuration }

  public var failureCount: Int { failures.values.reduce(0, +) }

  /// Whether the run is credible: nothing failed, every rule held, every key gave the same answer again, and something
  /// was measured.
  public var isSound: Bool {
    failureCount == 0 && truth.isConserved && (keys?.different ?? 0) == 0 && (keys?.unanswered ?? 0) == 0 && answers > 0
  }

  mutating func take(measured tally: Tally) {
    measuredSeconds = tally.measuredNanoseconds.seconds
    answers = tally.answers
    latency = LatencySummary(tally.latency)
    statuses = tally.statuses
    arrivalsWaitingHighest = tally.arrivalsWaitingHighest
    bytesSent = tally.bytesSent
    bytesReceived = tally.bytesReceived
    let byKind = zip(CallKind.allCases, tally.latencyByKind).compactMap { kind, histogram in
      histogram.map { (kind: kind, latency: LatencySummary($0)) }
    }
    latencyByKind = byKind.count > 1 ? byKind : []
    history = tally.history
    historyDropped = tally.historyDropped
  }

  mutating func take(failuresOf tally: Tally) {
    failures.merge(tally.failures, uniquingKeysWith: +)
    unexpectedStatuses.merge(tally.unexpectedStatuses, uniquingKeysWith: +)
    retries += tally.retries
    reconnects += tally.reconnects
    replayedAnswers += tally.replayedAnswers
  }
}
