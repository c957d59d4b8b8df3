import Clocks
import Glibc
import Telemetry

/// How calls are started.
enum Pace {
  /// Each connection sends its next call after its answer: as much as the server takes.
  case closed
  /// Calls arrive by a schedule, and wait if all connections are busy.
  case open(ArrivalSchedule)
}

/// How long a phase takes, and what is repeated in it.
struct PhasePlan {
  var pace = Pace.closed
  /// Calls that start in this time are judged but not measured.
  var warmupNanoseconds: Int64 = 0
  /// How long calls are started after that; nil: until the workload is exhausted.
  var measuredNanoseconds: Int64?
  var timeoutNanoseconds: Int64
  /// How often a call is tried; more than once only if repeating it is safe.
  var triesMax = 1
  /// The moment at which everything unfinished is given up.
  var endsAt: Int64
  var keepsHistory = false
  /// Records the answers under idempotency keys.
  var keyBook: KeyBook?
  /// At the start of the measured time.
  var onMeasuring: () -> Void = {}
}

/// Runs one workload over the pool's connections.
///
/// One turn: wait for events; take answers and settle their calls; start calls on idle connections. Latency counts from
/// a call's intended start until its answer, the final one if it was repeated, was read.
final class Phase<W: Workload> {
  private let pool: ConnectionPool
  private let workload: W
  private let writer: CallWriter
  private var plan: PhasePlan
  private let world: World
  private var tally = Tally()
  /// Established connections without a call.
  private var idle: [ClientConnection] = []
  private var busyCount = 0
  /// The intended starts of arrivals waiting for a connection, oldest first.
  private var waiting = ArrivalQueue()
  private let start: Int64
  private let measureStart: Int64
  private let startsUntil: Int64
  private var lastMeasuredAnswer: Int64 = 0
  private var nextTick: Int64 = 0
  private var isMeasuring = false
  /// When a connection was last opened or an answer last read.
  private var lastProgress: Int64

  init(pool: ConnectionPool, workload: W, writer: CallWriter, world: World, plan: PhasePlan) {
    self.pool = pool
    self.workload = workload
    self.writer = writer
    self.world = world
    self.plan = plan
    start = MonotonicClock.nanoseconds
    let measureStart = start + plan.warmupNanoseconds
    self.measureStart = measureStart
    startsUntil = min(plan.measuredNanoseconds.map { measureStart + $0 } ?? .max, plan.endsAt)
    lastMeasuredAnswer = measureStart
    lastProgress = start
  }

  func run() -> Tally {
    idle = pool.connections.filter { $0.state == .idle }
    var now = start
    while true {
      if !isMeasuring, now >= measureStart {
        isMeasuring = true
        plan.onMeasuring()
      }
      startCalls(at: now)
      if isOver(at: now) { break }
      pool.poller.poll(nanoseconds: waitTime(at: now)) { event in
        guard Int(event.index) < pool.connections.count else { return }
        handle(pool.connections[Int(event.index)], hasEnded: event.hasEnded)
      }
      now = MonotonicClock.nanoseconds
      if now >= nextTick {
        tick(at: now)
        nextTick = now + LoadLimits.tickNanoseconds
      }
    }
    giveUp()
    tally.measuredNanoseconds = max(0, lastMeasuredAnswer - measureStart)
    return tally
  }

  private func isOver(at now: Int64) -> Bool {
    if now >= plan.endsAt { return true }
    // No server is there.
    if busyCount == 0, now - lastProgress > plan.timeoutNanoseconds, !pool.connections.contains(where: isFree) {
      return true
    }
    return busyCount == 0 && (now >= startsUntil && waiting.isEmpty || workload.isExhausted)
  }

  /// How long to sleep if nothing happens.
  private func waitTime(at now: Int64) -> Int64 {
    var until = min(nextTick, plan.endsAt)
    if !isMeasuring { until = min(until, measureStart) }
    if case .open(let schedule) = plan.pace, now < startsUntil { until = min(until, start + schedule.next) }
    return until - now
  }

  // MARK: Starting

  private func startCalls(at now: Int64) {
    if case .open(var schedule) = plan.pace {
      let until = min(now, startsUntil)
      while start + schedule.next <= until, !workload.isExhausted {
        if !waiting.append(start + schedule.next) { tally.fail(.arrivalDropped) }
        schedule.advance()
      }
      plan.pace = .open(schedule)
      while let connection = idle.last, let intended = waiting.first {
        guard isFree(connection) else {
          idle.removeLast()
          continue
        }
        guard let call = workload.next() else { break }
        idle.removeLast()
        waiting.removeFirst()
        begin(call, on: connection, intended: intended)
      }
      if isMeasuring { tally.arrivalsWaitingHighest = max(tally.arrivalsWaitingHighest, waiting.count) }
    } else if now < startsUntil {
      while let connection = idle.last {
        guard isFree(connection) else {
          idle.removeLast()
          continue
        }
        guard let call = workload.next() else { break }
        idle.removeLast()
        begin(call, on: connection, intended: MonotonicClock.nanoseconds)
      }
    }
  }

  private func begin(_ call: Call, on connection: ClientConnection, intended: Int64) {
    tally.calls += 1
    busyCount += 1
    connection.call = call
    connection.intended = intended
    connection.tries = 0
    writer.write(call, into: &connection.request)
    send(on: connection, at: MonotonicClock.nanoseconds)
  }

  private func send(on connection: ClientConnection, at now: Int64) {
    connection.tries += 1
    if connection.tries > 1 { tally.retries += 1 }
    connection.repeatsAt = 0
    connection.deadline = now + plan.timeoutNanoseconds
    guard let count = connection.send() else { return lose(connection, .connectionLost) }
    tally.bytesSent += count
  }

  // MARK: Events

  private func handle(_ connection: ClientConnection, hasEnded: Bool) {
    switch connection.state {
    case .closed: break
    case .connecting:
      guard let isConnected = connection.finishConnecting() else { return }
      if isConnected { takeUp(connection) } else { lose(connection, .connectFailed) }
    case .idle:
      if hasEnded || connection.isSpoilt() { lose(connection, .connectionLost) }
    case .waiting:
      guard let count = connection.sendRest() else { return lose(connection, .connectionLost) }
      tally.bytesSent += count
      switch connection.receive(count: &tally.bytesReceived) {
      case .incomplete: break
      case .ended: lose(connection, .connectionLost)
      case .malformed: lose(connection, .malformedAnswer)
      case .answer(let answer): take(answer, on: connection, hasEnded: hasEnded)
      }
    }
  }

  private func take(_ answer: Answer, on connection: ClientConnection, hasEnded: Bool) {
    let now = MonotonicClock.nanoseconds
    connection.becomeIdle()
    connection.failuresInRow = 0
    lastProgress = now
    if answer.isReplayed { tally.replayedAnswers += 1 }
    let isTransient = answer.status == 503 || answer.status == 504 || answer.status == 429
    if isTransient, mayRepeat(connection, at: now) {
      connection.repeatsAt = now + LoadLimits.backoff.wait(after: connection.tries)
    } else {
      settle(connection, .answered(status: answer.status, body: connection.body(of: answer)), at: now)
    }
    if answer.closes || hasEnded {
      tally.reconnects += 1
      reopen(connection, at: now)
    } else if connection.call == nil {
      idle.append(connection)
    }
  }

  /// Whether a connection can take a new call; one that must repeat a call cannot.
  private func isFree(_ connection: ClientConnection) -> Bool { connection.state == .idle && connection.call == nil }

  /// A newly opened connection is idle, unless it has a call to repeat.
  private func takeUp(_ connection: ClientConnection) {
    lastProgress = MonotonicClock.nanoseconds
    // It may be in the list from before it was closed.
    if isFree(connection), !idle.contains(where: { $0 === connection }) { idle.append(connection) }
  }

  // MARK: Failing and repeating

  private func lose(_ connection: ClientConnection, _ failure: CallFailure) {
    let now = MonotonicClock.nanoseconds
    tally.reconnects += 1
    connection.failuresInRow += 1
    if connection.call != nil {
      if connection.repeatsAt > 0 {
        // It was lost before, and waits for the connection to be established again.
      } else if failure != .malformedAnswer, mayRepeat(connection, at: now) {
        connection.repeatsAt = now + LoadLimits.backoff.wait(after: connection.tries)
      } else {
        settle(connection, .unknown(failure), at: now)
      }
    } else if failure == .connectFailed, plan.triesMax == 1 {
      tally.fail(.connectFailed)
    }
    reopen(connection, at: now)
  }

  private func mayRepeat(_ connection: ClientConnection, at now: Int64) -> Bool {
    connection.tries < plan.triesMax && now < plan.endsAt
  }

  private func reopen(_ connection: ClientConnection, at now: Int64) {
    connection.close()
    connection.reopensAt =
      now + (connection.failuresInRow == 0 ? 0 : LoadLimits.backoff.wait(after: connection.failuresInRow))
  }

  private func tick(at now: Int64) {
    for connection in pool.connections {
      switch connection.state {
      case .closed where now >= connection.reopensAt:
        if !connection.open(to: pool.address, poller: pool.poller) { lose(connection, .connectFailed) }
      case .idle where connection.call != nil && now >= connection.repeatsAt: send(on: connection, at: now)
      case .waiting where now >= connection.deadline: lose(connection, .timedOut)
      default: break
      }
    }
  }

  /// Settles what is left when time is up.
  private func giveUp() {
    let now = MonotonicClock.nanoseconds
    for connection in pool.connections where connection.call != nil {
      settle(connection, .unknown(.timedOut), at: now)
      if connection.state == .waiting { connection.close() }
    }
    if !workload.isExhausted { tally.fail(.arrivalNeverSent, count: waiting.count) }
  }

  // MARK: Counting

  private func settle(_ connection: ClientConnection, _ result: CallResult, at now: Int64) {
    guard let call = connection.call else { return }
    connection.call = nil
    connection.repeatsAt = 0
    busyCount -= 1
    var status: UInt16?
    if case .answered(let answered, let body) = result {
      status = answered
      plan.keyBook?.note(call, status: answered, body: body)
    }
    let verdict = workload.settle(call, result)
    if connection.intended >= measureStart { measure(call, connection.intended, now, status) }
    if case .failed(let failure) = verdict {
      tally.fail(failure)
      if failure == .unexpectedStatus, let status { tally.unexpectedStatuses[status, default: 0] += 1 }
    }
    if plan.keepsHistory { remember(call, connection, now, status) }
  }

  private func measure(_ call: Call, _ intended: Int64, _ now: Int64, _ status: UInt16?) {
    let microseconds = (now - intended) / 1_000
    tally.latency.record(microseconds)
    let place = Int(call.kind.rawValue)
    if tally.latencyByKind[place] == nil { tally.latencyByKind[place] = HDRHistogram() }
    tally.latencyByKind[place]?.record(microseconds)
    guard let status else { return }
    tally.answers += 1
    tally.statuses[status, default: 0] += 1
    lastMeasuredAnswer = max(lastMeasuredAnswer, now)
  }

  private func remember(_ call: Call, _ connection: ClientConnection, _ now: Int64, _ status: UInt16?) {
    guard tally.history.count < LoadLimits.historyCallsMax else {
      tally.historyDropped += 1
      return
    }
    tally.history.append(
      CallRecord(
        kind: call.kind, subject: world.subjectID(of: call), key: call.key, started: connection.intended, ended: now,
        tries: connection.tries, status: status))
  }
}
