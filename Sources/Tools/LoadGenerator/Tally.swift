import Telemetry

/// Why a call counts as failed.
public enum CallFailure: String, CaseIterable, Sendable {
  /// The server could not be reached.
  case connectFailed = "connection refused"
  /// The connection ended before the answer.
  case connectionLost = "connection lost"
  case timedOut = "no answer in time"
  case malformedAnswer = "malformed answer"
  /// A status that this call must not receive.
  case unexpectedStatus = "unexpected status"
  /// The status is right, the body is not.
  case wrongBody = "wrong body"
  /// An arrival of the open loop found the queue full.
  case arrivalDropped = "arrival dropped, queue full"
  /// An arrival of the open loop was still waiting for a connection at the end.
  case arrivalNeverSent = "arrival never sent"
}

/// The judgement of one answer.
enum Verdict: Equatable {
  case expected
  case failed(CallFailure)
}

/// One call as it happened, for checking a run against crashes. Times are nanoseconds of the monotonic clock.
public struct CallRecord: Sendable {
  public let kind: CallKind
  /// The id of what it concerned.
  public let subject: String
  /// The number of its idempotency key; 0 without one.
  public let key: UInt32
  public let started: Int64
  public let ended: Int64
  public let tries: Int
  /// The status of the answer; nil if the outcome is unknown.
  public let status: UInt16?
}

/// What was counted in one phase.
struct Tally {
  /// Answers of calls whose intended start was in the measured time.
  var answers = 0
  var latency = HDRHistogram()
  var latencyByKind = [HDRHistogram?](repeating: nil, count: CallKind.allCases.count)
  /// By status, of the same calls.
  var statuses: [UInt16: Int] = [:]
  /// Of the whole phase.
  var failures: [CallFailure: Int] = [:]
  /// By status, of failures of that kind.
  var unexpectedStatuses: [UInt16: Int] = [:]
  var calls = 0
  var retries = 0
  /// Connections that ended, or that the server closed.
  var reconnects = 0
  /// Answers with `Idempotent-Replayed: true`.
  var replayedAnswers = 0
  var bytesSent = 0
  var bytesReceived = 0
  /// The measured time: from its start to the last answer that counts.
  var measuredNanoseconds: Int64 = 0
  /// The longest an arrival waited in the generator for a free connection, in the measured time.
  var arrivalsWaitingHighest = 0
  var history: [CallRecord] = []
  var historyDropped = 0

  mutating func fail(_ failure: CallFailure, count: Int = 1) {
    if count > 0 { failures[failure, default: 0] += count }
  }

  /// Adds what counts against a run: failures, retries, history.
  mutating func addFailures(of other: Tally) {
    failures.merge(other.failures, uniquingKeysWith: +)
    unexpectedStatuses.merge(other.unexpectedStatuses, uniquingKeysWith: +)
    retries += other.retries
    reconnects += other.reconnects
    replayedAnswers += other.replayedAnswers
    history += other.history
    historyDropped += other.historyDropped
  }
}
