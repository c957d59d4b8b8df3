import Clocks
import Server
import Glibc
import Settings
import Telemetry
import Lanes

/// Serves until SIGTERM or SIGINT, or until its disk fails for good, then shuts down in order. A second SIGTERM or
/// SIGINT, at least half a second later, ends the process immediately. SIGHUP makes the server reload its API keys, its
/// certificate and the log level.
/// - Returns: the process's exit code.
func serve(_ settings: ServeSettings, reread: @escaping ServeCommand.Rereading) throws -> ExitCode {
  let journal = Log(
    level: LogLevel(name: settings.logLevel.rawValue) ?? .info,
    format: LogFormat(rawValue: settings.logFormat.rawValue) ?? .text, clock: { WallClock.milliseconds })
  // Before the first thread is created: all of them inherit the mask, and this one waits for the signals.
  var signals = sigset_t()
  sigemptyset(&signals)
  // A blocked signal is never ignored, so that SIGHUP means the same under `nohup`.
  for number in [SIGTERM, SIGINT, SIGHUP, replacedSignal, failedSignal] { sigaddset(&signals, number) }
  pthread_sigmask(SIG_BLOCK, &signals, nil)
  signal(SIGPIPE, SIG_IGN)

  if let control = getenv("KASSA_FAULT_FILE") {
    journal.warning("the disk fails on command", ["KASSA_FAULT_FILE": LogValue(String(cString: control))])
  }
  warnAboutOpenAccess(settings, journal)
  let started = MonotonicClock.milliseconds
  let server = try start(try withinDescriptors(settings, journal), [rereading(settings, reread)], journal)
  var ending: ServeEnding?
  var reportAt = started + Progress.silentMilliseconds
  while ending == nil, !server.waitUntilReady(milliseconds: 20) {
    ending = heed(pendingSignal(of: &signals), server, wasReady: false, journal)
    guard ending == nil, MonotonicClock.milliseconds >= reportAt else { continue }
    reportAt = MonotonicClock.milliseconds + replayLineMilliseconds
    reportReplay(server, journal)
  }
  if ending == nil { journal.info("ready", ["milliseconds": LogValue(MonotonicClock.milliseconds - started)]) }
  while ending == nil {
    var received: Int32 = 0
    sigwait(&signals, &received)
    ending = heed(received, server, wasReady: true, journal)
  }
  guard let ending else { return .failure }
  let delay = ending.delayMilliseconds(drainDelay: settings.drainDelayMilliseconds)
  ending.reportStopping(after: delay, journal)
  end(server, after: delay, journal)
  ending.reportEnd(journal)
  return ending.exitCode
}

/// Does what a signal asks for, and returns why the server has to end, if it has to. 0 is no signal.
private func heed(
  _ received: Int32, _ server: any RunningServer, wasReady: Bool, _ journal: Log
) -> ServeEnding? {
  switch received {
  case 0: return nil
  case SIGHUP:
    server.reload(journal)
    return nil
  // If anybody else sends it, nothing changes.
  case failedSignal: return server.finalFailure.map { .diskFailed(reason: $0) }
  case SIGTERM: return .signal("SIGTERM", isForBalancers: wasReady)
  case SIGINT: return .signal("SIGINT", isForBalancers: false)
  default: return .signal("replaced", isForBalancers: false)
  }
}

/// Reads the settings again, of which only the log level takes effect.
private func rereading(_ settings: ServeSettings, _ reread: @escaping ServeCommand.Rereading) -> Reload {
  Reload("log-level") { journal in
    do throws(SettingsError) {
      var read = try reread()
      journal.level = LogLevel(name: read.logLevel.rawValue) ?? journal.level
      read.logLevel = settings.logLevel
      journal.info(
        "settings reloaded; only log-level takes effect without a restart",
        [
          "log_level": LogValue(String(describing: journal.level.name)),
          "others": read == settings ? "same" : "changed",
        ])
      return nil
    } catch {
      journal.error(
        "settings could not be reloaded: the log level stays", ["reason": LogValue(String(describing: error))])
      return String(describing: error)
    }
  }
}

/// Warns about access that is allowed but dangerous.
private func warnAboutOpenAccess(_ settings: ServeSettings, _ journal: Log) {
  guard !settings.http.isLoopback else { return }
  if settings.servesWithoutAuthentication {
    journal.warning("anyone who can reach the REST API can do everything", ["http": LogValue(settings.http)])
  } else if settings.tlsCertificateFile == nil {
    journal.warning(
      "keys and tokens can be read in transit unless a gateway speaks TLS; tls-certificate makes the server do so",
      ["http": LogValue(settings.http)])
  }
}

/// What a pod sends itself when a newer one of its name exists.
private let replacedSignal = SIGUSR1
/// What an embedded server sends itself when its log or its store has failed for good.
private let failedSignal = SIGUSR2

/// Keeps serving for the delay, then shuts down in order. A signal in the meantime ends the process.
private func end(_ server: any RunningServer, after delayMilliseconds: Int64, _ journal: Log) {
  var urgent = sigset_t()
  sigemptyset(&urgent)
  for number in [SIGTERM, SIGINT] { sigaddset(&urgent, number) }
  let signalled = MonotonicClock.milliseconds
  if delayMilliseconds > 0 { server.leave() }
  while MonotonicClock.milliseconds < signalled + delayMilliseconds {
    cutShort(atSignalOf: &urgent, signalled: signalled, journal)
  }
  let ended = Gate()
  let ending = BackgroundThread("ending") {
    server.stop()
    ended.open()
  }
  guard let ending else { return server.stop() }
  while !ended.wait(milliseconds: 0) { cutShort(atSignalOf: &urgent, signalled: signalled, journal) }
  ending.join()
}

/// Waits a moment for a signal, and ends the process if there is one: nothing that was answered is lost, the log has
/// it. A signal soon after the first is the same request: a terminal and a supervisor may both send theirs.
private func cutShort(atSignalOf urgent: inout sigset_t, signalled: Int64, _ journal: Log) {
  var time = timespec(tv_sec: 0, tv_nsec: endPollMilliseconds * 1_000_000)
  let received = sigtimedwait(&urgent, nil, &time)
  guard received > 0, MonotonicClock.milliseconds >= signalled + sameSignalMilliseconds else { return }
  journal.warning(
    "stopped immediately; requests under way were cut off",
    ["signal": LogValue(received == SIGINT ? "SIGINT" : "SIGTERM")])
  _exit(ExitCode.cutShort.rawValue)
}

private let endPollMilliseconds = 10
private let sameSignalMilliseconds: Int64 = 500

/// The settings with no more connections than there are descriptors for.
private func withinDescriptors(_ settings: ServeSettings, _ journal: Log) throws -> ServeSettings {
  let limit = DescriptorLimit.raise()
  var settings = settings
  let connectionsMax = try DescriptorLimit.connections(wanted: settings.connectionsMax, limit: limit)
  guard connectionsMax < settings.connectionsMax else { return settings }
  journal.warning(
    "connections-max is lowered: the process may not have more descriptors; raise its limit (ulimit -Hn, LimitNOFILE)",
    [
      "connections_max": LogValue(settings.connectionsMax), "in_force": LogValue(connectionsMax),
      "descriptors": LogValue(limit),
      "descriptors_needed": LogValue(DescriptorLimit.needed(forConnections: settings.connectionsMax)),
    ])
  settings.connectionsMax = connectionsMax
  settings.connectionsPerAddressMax = min(settings.connectionsPerAddressMax, connectionsMax)
  return settings
}

/// Logs the progress of the replay: a line now and then.
private func reportReplay(_ server: any RunningServer, _ journal: Log) {
  guard let (done, total) = server.replayedRecords() else { return }
  let percent = total > 0 ? Int(Double(min(done, total)) / Double(total) * 100) : 100
  journal.info(
    "replaying", ["records": LogValue(done), "of": LogValue(total), "percent": LogValue(percent)])
}

private let replayLineMilliseconds: Int64 = 5_000

/// A running server of either mode.
private protocol RunningServer: Sendable {
  func waitUntilReady(milliseconds: Int) -> Bool
  /// Records replayed since the start, and the total to replay; nil if unknown.
  func replayedRecords() -> (done: Int64, total: Int64)?
  /// Why only a new process can serve again; nil while this one can.
  var finalFailure: String? { get }
  /// Is no longer ready, but keeps serving.
  func leave()
  /// Reloads what can be reloaded.
  func reload(_ journal: Log)
  func stop()
}

extension EmbeddedServer: RunningServer {}
extension ClusterServer: RunningServer {
  /// A pod shows this at `/partitions`; it learns how much to replay one partition at a time.
  fileprivate func replayedRecords() -> (done: Int64, total: Int64)? { nil }
  /// Brokers and databases that fail come back: a pod keeps asking.
  fileprivate var finalFailure: String? { nil }
}

private func start(_ settings: ServeSettings, _ reloads: [Reload], _ journal: Log) throws -> any RunningServer {
  switch settings.mode {
  case .embedded:
    let server = try EmbeddedServer(settings, version: kassaVersion, journal: journal, reloads: reloads) {
      kill(getpid(), failedSignal)
    }
    journal.info(
      "serving",
      [
        "http": LogValue(server.httpEndpoint), "operator": LogValue(server.operatorEndpoint),
        "data": LogValue(settings.dataFolder), "partitions": LogValue(settings.partitions), "pid": LogValue(getpid()),
      ])
    return server
  case .cluster:
    let server = try ClusterServer(settings, version: kassaVersion, journal: journal, reloads: reloads) {
      // Two pods of one name would take the partitions from each other forever: the older one shuts down in order.
      kill(getpid(), replacedSignal)
    }
    journal.info(
      "serving",
      [
        "http": LogValue(server.httpEndpoint), "operator": LogValue(server.operatorEndpoint),
        "pod": LogValue(server.name), "incarnation": LogValue(server.incarnation),
        "partitions": LogValue(settings.partitions), "pid": LogValue(getpid()),
      ])
    return server
  }
}

/// One of the signals that has already arrived; 0 if there is none.
private func pendingSignal(of signals: inout sigset_t) -> Int32 {
  var noTime = timespec()
  return max(0, sigtimedwait(&signals, nil, &noTime))
}
