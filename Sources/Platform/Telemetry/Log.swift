import Glibc
import Synchronization

/// The structured log on standard error. From any thread.
///
/// A line is one `write`, so that lines of several threads and processes never mix. Messages and keys are static text,
/// values are fields: the log can be searched by message, and a client can never fake a line. A message repeated more
/// often per second than the bound is counted instead of written, and its next line shows the count; a broken disk must
/// not fill another one with complaints.
public final class Log: Sendable {
  /// Lines of the same message per second.
  public static let repetitionsMax = 20
  /// Messages whose repetitions are counted; messages are static text, so there are not many.
  static let messagesMax = 512

  /// The lowest level that is written; may change while others log.
  public var level: LogLevel {
    get { LogLevel(rawValue: lowest.load(ordering: .relaxed)) ?? .info }
    set { lowest.store(newValue.rawValue, ordering: .relaxed) }
  }
  public let format: LogFormat
  private let lowest: Atomic<UInt8>
  private let clock: @Sendable () -> Int64
  private let write: @Sendable ([UInt8]) -> Void
  private let repetitions = Mutex<[UInt: Repetition]>([:])

  private struct Repetition {
    var second: Int64
    var written = 0
    var suppressed: Int64 = 0
  }

  /// - Parameters:
  ///   - clock: milliseconds since 1970-01-01 UTC.
  ///   - write: takes a whole line; `Log.toStandardError` in the program.
  public init(
    level: LogLevel = .info, format: LogFormat = .text, clock: @escaping @Sendable () -> Int64,
    write: @escaping @Sendable ([UInt8]) -> Void = Log.toStandardError
  ) {
    lowest = Atomic(level.rawValue)
    self.format = format
    self.clock = clock
    self.write = write
  }

  public func debug(_ message: StaticString, _ fields: KeyValuePairs<StaticStringKey, LogValue> = [:]) {
    log(.debug, message, fields)
  }
  public func info(_ message: StaticString, _ fields: KeyValuePairs<StaticStringKey, LogValue> = [:]) {
    log(.info, message, fields)
  }
  public func warning(_ message: StaticString, _ fields: KeyValuePairs<StaticStringKey, LogValue> = [:]) {
    log(.warning, message, fields)
  }
  public func error(_ message: StaticString, _ fields: KeyValuePairs<StaticStringKey, LogValue> = [:]) {
    log(.error, message, fields)
  }

  public func log(
    _ level: LogLevel, _ message: StaticString, _ fields: KeyValuePairs<StaticStringKey, LogValue> = [:]
  ) {
    guard level >= self.level else { return }
    let now = clock()
    guard let suppressed = admit(message, now) else { return }
    var all = fields.map { (key: $0.key.text, value: $0.value) }
    if suppressed > 0 { all.append((key: "suppressed", value: .number(suppressed))) }
    write(LogLine(milliseconds: now, level: level, message: message, fields: all).bytes(format))
  }

  /// How many lines of the message were left out since its last one; nil if this one is left out too.
  private func admit(_ message: StaticString, _ now: Int64) -> Int64? {
    let second = now / 1_000
    let key = message.hasPointerRepresentation ? UInt(bitPattern: message.utf8Start) : 0
    return repetitions.withLock { repetitions in
      if repetitions[key] == nil, repetitions.count >= Self.messagesMax { repetitions.removeAll() }
      var repetition = repetitions[key] ?? Repetition(second: second)
      defer { repetitions[key] = repetition }
      if repetition.second != second {
        repetition.second = second
        repetition.written = 0
      }
      guard repetition.written < Self.repetitionsMax else {
        repetition.suppressed += 1
        return nil
      }
      repetition.written += 1
      defer { repetition.suppressed = 0 }
      return repetition.suppressed
    }
  }

  /// Writes a line to descriptor 2 with one `write`; whatever does not fit is lost, as there is nowhere to complain.
  @Sendable public static func toStandardError(_ line: [UInt8]) {
    line.withUnsafeBytes { bytes in
      while Glibc.write(2, bytes.baseAddress, bytes.count) < 0, errno == EINTR {}
    }
  }
}

/// A key of a field: static text, so that nobody's input becomes one.
public struct StaticStringKey: ExpressibleByStringLiteral, Sendable {
  let text: StaticString
  public init(stringLiteral value: StaticString) { text = value }
}
