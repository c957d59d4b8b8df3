import Glibc

/// Where the program writes: results to standard output, everything else to standard error.
struct Console: Sendable {
  let say: @Sendable (String) -> Void
  let complain: @Sendable (String) -> Void
  /// Whether standard error is a terminal: only there may a line be overwritten.
  let isTerminal: Bool

  static let process = Console(
    say: { write($0, to: STDOUT_FILENO) }, complain: { write($0, to: STDERR_FILENO) },
    isTerminal: isatty(STDERR_FILENO) == 1)

  /// Writes everything, or gives up if nobody reads.
  private static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }
}
