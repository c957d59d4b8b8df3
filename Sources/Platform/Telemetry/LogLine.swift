/// How much a line of the log matters.
public enum LogLevel: UInt8, CaseIterable, Comparable, Sendable {
  case debug, info, warning, error

  public var name: StaticString {
    switch self {
    case .debug: "debug"
    case .info: "info"
    case .warning: "warning"
    case .error: "error"
    }
  }

  /// By its name; nil for any other text.
  public init?(name: String) {
    guard let level = Self.allCases.first(where: { $0.name.description == name }) else { return nil }
    self = level
  }

  public static func < (a: LogLevel, b: LogLevel) -> Bool { a.rawValue < b.rawValue }
}

/// How lines of the log are written.
public enum LogFormat: String, CaseIterable, Sendable {
  /// `2026-01-31T12:00:00.000Z info  message key=value key="a value"`
  case text
  /// `{"time":"…","level":"info","message":"…","key":"value"}`
  case json
}

/// The value of a field: a number, or any text.
public enum LogValue: Sendable, Hashable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByStringInterpolation
{
  case text(String)
  case number(Int64)
  /// A number of thousandths, written with its three digits: 1234 is 1.234.
  case thousandths(Int64)

  public init(stringLiteral value: String) { self = .text(value) }
  public init(integerLiteral value: Int64) { self = .number(value) }
  /// Clamped to 64 bits.
  public init(_ value: some BinaryInteger) { self = .number(Int64(clamping: value)) }
  public init(_ value: some CustomStringConvertible) { self = .text(value.description) }
}

/// Writes one line of the log.
struct LogLine {
  let milliseconds: Int64
  let level: LogLevel
  let message: StaticString
  let fields: [(key: StaticString, value: LogValue)]

  func bytes(_ format: LogFormat) -> [UInt8] {
    var line = JSONWriter(reserving: 192)
    switch format {
    case .text: appendText(to: &line)
    case .json: appendJSON(to: &line)
    }
    line.raw("\n")
    return line.bytes
  }

  /// A value that is not plain is quoted as in JSON: whatever a client sent stays on its line.
  private func appendText(to line: inout JSONWriter) {
    line.string(inQuotes: UTCTime(milliseconds: milliseconds).description)
    switch level {
    case .debug: line.raw(" debug   ")
    case .info: line.raw(" info    ")
    case .warning: line.raw(" warning ")
    case .error: line.raw(" error   ")
    }
    line.raw(message)
    for field in fields {
      line.raw(" ")
      line.raw(field.key)
      line.raw("=")
      switch field.value {
      case .number(let number): line.number(number)
      case .thousandths(let number): line.thousandths(number)
      case .text(let text) where Self.isPlain(text): line.string(inQuotes: text)
      case .text(let text): line.string(text)
      }
    }
  }

  private func appendJSON(to line: inout JSONWriter) {
    line.raw("{\"time\":")
    line.string(UTCTime(milliseconds: milliseconds).description)
    line.raw(",\"level\":")
    line.string(level.name)
    line.raw(",\"message\":")
    line.string(message)
    for field in fields {
      line.raw(",")
      line.string(field.key)
      line.raw(":")
      switch field.value {
      case .number(let number): line.number(number)
      case .thousandths(let number): line.thousandths(number)
      case .text(let text): line.string(text)
      }
    }
    line.raw("}")
  }

  /// Whether the text needs no quotes and cannot be mistaken for anything else.
  private static func isPlain(_ text: String) -> Bool {
    !text.isEmpty
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "="): false
        default: byte > 0x20 && byte < 0x7F
        }
      }
  }
}

/// A time in RFC 3339 format, in UTC, with milliseconds.
public struct UTCTime: CustomStringConvertible, Sendable {
  public let milliseconds: Int64
  public init(milliseconds: Int64) { self.milliseconds = milliseconds }

  /// Converts days to dates with years that begin in March, so that the leap day comes last. Source: Howard Hinnant,
  /// http://howardhinnant.github.io/date_algorithms.html#civil_from_days
  public var description: String {
    let clamped = min(max(milliseconds, 0), 253_402_300_799_999)
    let (days, rest) = (clamped / 86_400_000, clamped % 86_400_000)
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    func padded(_ value: Int64, _ width: Int) -> String {
      let text = String(value)
      return String(repeating: "0", count: max(width - text.count, 0)) + text
    }
    let date = "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    let time = "\(padded(rest / 3_600_000, 2)):\(padded(rest / 60_000 % 60, 2)):\(padded(rest / 1_000 % 60, 2))"
    return "\(date)T\(time).\(padded(rest % 1_000, 3))Z"
  }
}
