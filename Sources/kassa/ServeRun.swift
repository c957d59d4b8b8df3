import Embedded
import Glibc
import Settings
import Telemetry

/// Serves until SIGTERM or SIGINT, then ends in order. Further signals change nothing: the end is bounded in time.
func serve(_ settings: ServeSettings) throws {
  let journal = Log(
    level: LogLevel(name: settings.logLevel.rawValue) ?? .info,
    format: LogFormat(rawValue: settings.logFormat.rawValue) ?? .text, clock: wallMilliseconds)
  // Before the first thread is made: all of them inherit the mask, and this one waits for the signals.
  var signals = sigset_t()
  sigemptyset(&signals)
  for number in [SIGTERM, SIGINT] { sigaddset(&signals, number) }
  pthread_sigmask(SIG_BLOCK, &signals, nil)
  signal(SIGPIPE, SIG_IGN)

  if let control = getenv("KASSA_FAULT_FILE") {
    journal.warning("the disk fails on command", ["KASSA_FAULT_FILE": LogValue(String(cString: control))])
  }
  let started = monotonicMilliseconds()
  let server = try EmbeddedServer(settings, version: kassaVersion, journal: journal)
  journal.info(
    "serving",
    [
      "http": LogValue(server.httpEndpoint), "operator": LogValue(server.operatorEndpoint),
      "data": LogValue(settings.dataFolder), "partitions": LogValue(settings.partitions), "pid": LogValue(getpid()),
    ])
  _ = server.waitUntilReady(milliseconds: .max)
  journal.info("ready", ["milliseconds": LogValue(monotonicMilliseconds() - started)])

  var received: Int32 = 0
  sigwait(&signals, &received)
  journal.info("stopping", ["signal": LogValue(received == SIGTERM ? "SIGTERM" : "SIGINT")])
  server.stop()
  journal.info("stopped")
}

private func wallMilliseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Int64(time.tv_sec) * 1_000 + Int64(time.tv_nsec) / 1_000_000
}
