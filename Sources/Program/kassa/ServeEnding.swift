import Settings
import Telemetry

/// Why a server stops, and what follows from it.
enum ServeEnding: Hashable {
  /// - Parameter isForBalancers: load balancers send requests only to a server that was ready and that SIGTERM ends:
  ///   SIGINT is a person's Ctrl-C, and a replaced pod has a successor.
  case signal(String, isForBalancers: Bool)
  /// The data folder can no longer be written, and nobody knows what the disk holds until it is opened again.
  case diskFailed(reason: String)

  /// How long a server with a failed disk keeps answering: time for a probe of `/livez` every few seconds, and for
  /// those whose requests are in doubt to get an answer.
  static let failedMilliseconds: Int64 = 5_000

  /// How long the server keeps serving before it shuts down.
  func delayMilliseconds(drainDelay: Int64) -> Int64 {
    switch self {
    case .signal(_, let isForBalancers): isForBalancers ? drainDelay : 0
    case .diskFailed: Self.failedMilliseconds
    }
  }

  var exitCode: ExitCode {
    switch self {
    case .signal: .success
    case .diskFailed: .diskFailed
    }
  }

  func reportStopping(after delayMilliseconds: Int64, _ journal: Log) {
    let delay = LogValue(delayMilliseconds)
    switch self {
    case .signal(let name, _):
      journal.info("stopping", ["signal": LogValue(name), "drain_delay_milliseconds": delay])
    case .diskFailed(let reason):
      journal.error("stopping because the disk failed", ["reason": LogValue(reason), "serves_on_milliseconds": delay])
    }
  }

  /// The server's last line: without a supervisor somebody has to do what it says.
  func reportEnd(_ journal: Log) {
    switch self {
    case .signal: journal.info("stopped")
    case .diskFailed(let reason):
      journal.error(
        "stopped because the disk failed: free space or repair it, then start again; nothing that was answered is lost",
        ["reason": LogValue(reason), "exit_code": LogValue(Int(exitCode.rawValue))])
    }
  }
}
