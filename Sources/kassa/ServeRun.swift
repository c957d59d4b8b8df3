import Cluster
import Embedded
import Glibc
import Settings
import Telemetry

/// Serves until SIGTERM, SIGINT or SIGHUP, then ends in order. Further signals change nothing: the end is bounded in
/// time.
func serve(_ settings: ServeSettings) throws {
  let journal = Log(
    level: LogLevel(name: settings.logLevel.rawValue) ?? .info,
    format: LogFormat(rawValue: settings.logFormat.rawValue) ?? .text, clock: wallMilliseconds)
  // Before the first thread is made: all of them inherit the mask, and this one waits for the signals.
  var signals = sigset_t()
  sigemptyset(&signals)
  for number in [SIGTERM, SIGINT] { sigaddset(&signals, number) }
  // A terminal that closes ends the server, unless it was started to outlive it (`nohup`).
  if !isIgnored(SIGHUP) { sigaddset(&signals, SIGHUP) }
  pthread_sigmask(SIG_BLOCK, &signals, nil)
  signal(SIGPIPE, SIG_IGN)

  if let control = getenv("KASSA_FAULT_FILE") {
    journal.warning("the disk fails on command", ["KASSA_FAULT_FILE": LogValue(String(cString: control))])
  }
  let started = monotonicMilliseconds()
  let server = try start(settings, journal)
  var received: Int32 = 0
  var tellAt = started + Progress.silentMilliseconds
  while received == 0, !server.waitUntilReady(milliseconds: 20) {
    received = pendingSignal(of: &signals)
    guard received == 0, monotonicMilliseconds() >= tellAt else { continue }
    tellAt = monotonicMilliseconds() + replayLineMilliseconds
    tellReplay(server, journal)
  }
  if received == 0 {
    journal.info("ready", ["milliseconds": LogValue(monotonicMilliseconds() - started)])
    sigwait(&signals, &received)
  }
  let names = [SIGTERM: "SIGTERM", SIGINT: "SIGINT", SIGHUP: "SIGHUP"]
  journal.info("stopping", ["signal": LogValue(names[received] ?? String(received))])
  server.stop()
  journal.info("stopped")
}

/// How far the replay is, while it lasts: a line now and then.
private func tellReplay(_ server: any RunningServer, _ journal: Log) {
  guard let (done, total) = server.replayedRecords() else { return }
  let percent = total > 0 ? Int(Double(min(done, total)) / Double(total) * 100) : 100
  journal.info(
    "replaying", ["records": LogValue(done), "of": LogValue(total), "percent": LogValue(percent)])
}

private let replayLineMilliseconds: Int64 = 5_000

/// A server of either mode, from its start to its end.
private protocol RunningServer {
  func waitUntilReady(milliseconds: Int) -> Bool
  /// Records that were replayed since the start, and those that are to be; nil where that is not known.
  func replayedRecords() -> (done: Int64, total: Int64)?
  func stop()
}

extension EmbeddedServer: RunningServer {}
extension ClusterServer: RunningServer {
  /// A pod's `/partitions` tells; how much there is to replay it learns a partition at a time.
  fileprivate func replayedRecords() -> (done: Int64, total: Int64)? { nil }
}

private func start(_ settings: ServeSettings, _ journal: Log) throws -> any RunningServer {
  switch settings.mode {
  case .embedded:
    let server = try EmbeddedServer(settings, version: kassaVersion, journal: journal)
    journal.info(
      "serving",
      [
        "http": LogValue(server.httpEndpoint), "operator": LogValue(server.operatorEndpoint),
        "data": LogValue(settings.dataFolder), "partitions": LogValue(settings.partitions), "pid": LogValue(getpid()),
      ])
    return server
  case .cluster:
    let server = try ClusterServer(settings, version: kassaVersion, journal: journal) {
      // Two of one name would take the partitions from each other for ever: the older one ends, in order.
      kill(getpid(), SIGTERM)
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

private func isIgnored(_ number: Int32) -> Bool {
  var action = sigaction()
  sigaction(number, nil, &action)
  return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
}

/// One of the signals that has come already; 0 when there is none.
private func pendingSignal(of signals: inout sigset_t) -> Int32 {
  var noTime = timespec()
  return max(0, sigtimedwait(&signals, nil, &noTime))
}

private func wallMilliseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
}
