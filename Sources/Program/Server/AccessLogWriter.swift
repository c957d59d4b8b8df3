import Clocks
import Glibc
import Lanes
import Synchronization
import Telemetry

/// Writes the lines of an access log on its own thread, which may wait for their reader for as long as it takes.
final class AccessLogWriter: Sendable {
  let log: AccessLog
  private let due: Signal
  private let isEnding = Atomic<Bool>(false)
  private let ended = Gate()
  private let write: @Sendable (ArraySlice<UInt8>) -> Bool

  /// Whole lines of at most this together are one `write`, which a pipe takes undivided (`PIPE_BUF`): so they never mix
  /// with those of others.
  static let writeBytesMax = 4_096

  /// - Parameter write: writes whole lines; false if they are lost. May block.
  init(
    _ scope: AccessLog.Scope, _ format: LogFormat,
    write: @escaping @Sendable (ArraySlice<UInt8>) -> Bool = AccessLogWriter.toStandardError
  ) {
    let due = Signal()
    self.due = due
    self.write = write
    log = AccessLog(scope: scope, format: format, clock: { WallClock.milliseconds }) { due.set() }
  }

  /// Starts the thread. Returns false if the system cannot create one.
  func start() -> Bool {
    let thread = BackgroundThread("access-log") { [self] in
      run()
      ended.open()
    }
    return thread != nil
  }

  private func run() {
    while true {
      due.wait()
      // Checked first: what was logged before the end is written.
      let isLast = isEnding.load(ordering: .acquiring)
      var lines = log.take()[...]
      while !lines.isEmpty {
        let count = Self.wholeLines(lines)
        let part = lines.prefix(count)
        if !write(part) { log.lost(UInt64(part.count { $0 == UInt8(ascii: "\n") })) }
        lines = lines.dropFirst(count)
      }
      if isLast { return }
    }
  }

  /// How many bytes of the first lines go into one write: at least one line.
  static func wholeLines(_ lines: ArraySlice<UInt8>) -> Int {
    let newline = UInt8(ascii: "\n")
    if let last = lines.prefix(writeBytesMax).lastIndex(of: newline) { return last - lines.startIndex + 1 }
    return (lines.firstIndex(of: newline).map { $0 - lines.startIndex + 1 }) ?? lines.count
  }

  /// Writes what waits, and ends the thread that was started. If nobody reads, the thread is abandoned after
  /// `milliseconds`: the process ends.
  func end(milliseconds: Int = 1_000) {
    isEnding.store(true, ordering: .releasing)
    due.set()
    _ = ended.wait(milliseconds: milliseconds)
  }

  /// Writes to descriptor 2, also if it does not block.
  @Sendable static func toStandardError(_ lines: ArraySlice<UInt8>) -> Bool {
    var rest = lines
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(2, $0.baseAddress, $0.count) }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        var ready = pollfd(fd: 2, events: Int16(POLLOUT), revents: 0)
        _ = poll(&ready, 1, -1)
      } else if errno != EINTR {
        return false
      }
    }
    return true
  }
}
