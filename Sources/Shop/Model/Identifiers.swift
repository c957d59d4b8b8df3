/// An id that a client may choose or see: 1–64 characters of `A–Z a–z 0–9 _ -`.
///
/// Swift's `String` stores up to 15 characters inline; the ids that Kassa makes have 15.
public protocol Identifier: Hashable, Comparable, Sendable, CustomStringConvertible {
  var text: String { get }
  /// Takes `text` unchecked: only for text that was validated before (`init(validating:)`, our own record).
  init(unchecked text: String)
}

extension Identifier {
  /// The longest id, in characters.
  public static var lengthMax: Int { 64 }

  /// Takes `text` if it is a valid id, else returns nil.
  public init?(validating text: String) {
    guard IdentifierText.isValid(text.utf8) else { return nil }
    self.init(unchecked: text)
  }

  public static func < (a: Self, b: Self) -> Bool { a.text < b.text }

  public var description: String { text }
}

/// The alphabet and bounds of ids.
public enum IdentifierText {
  /// Whether `bytes` are 1–64 characters of `A–Z a–z 0–9 _ -`.
  public static func isValid(_ bytes: some Collection<UInt8>) -> Bool {
    guard (1...64).contains(bytes.count) else { return false }
    return bytes.allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
        true
      default: false
      }
    }
  }
}

/// Identifies an order; the key of the orders log.
public struct OrderID: Identifier {
  public let text: String
  public init(unchecked text: String) { self.text = text }
}

/// Identifies an item in stock; the key of the stock log.
public struct ItemID: Identifier {
  public let text: String
  public init(unchecked text: String) { self.text = text }
}

/// Identifies a user; the key of the payments log.
public struct UserID: Identifier {
  public let text: String
  public init(unchecked text: String) { self.text = text }
}

/// One attempt to check out an order; it makes holds, charges and compensations idempotent.
public struct AttemptID: Hashable, Comparable, Sendable, CustomStringConvertible {
  public let order: OrderID
  /// Counts the checkouts of the order's partition, so that an order that is created again never repeats one; under
  /// the rules before `Rules.eras`, it counts those of the order, from 1.
  public let number: UInt64

  /// The highest number that an order itself counted; partitions count above it.
  public static let ofOrderMax = UInt64(UInt32.max)

  public init(order: OrderID, number: UInt64) {
    self.order = order
    self.number = number
  }

  public static func < (a: AttemptID, b: AttemptID) -> Bool {
    a.order == b.order ? a.number < b.number : a.order < b.order
  }

  /// `order/number`; `/` is not in the ids' alphabet.
  public var description: String { "\(order.text)/\(number)" }
}

/// The value of an `Idempotency-Key` header: 1–255 visible ASCII characters other than `"` and `\`.
public struct IdempotencyKey: Hashable, Comparable, Sendable {
  /// The longest key, in characters.
  public static let lengthMax = 255

  public let text: String

  /// Takes text that was validated before.
  public init(unchecked text: String) { self.text = text }

  public init?(validating text: String) {
    guard (1...Self.lengthMax).contains(text.utf8.count),
      text.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C })
    else { return nil }
    self.text = text
  }

  public static func < (a: IdempotencyKey, b: IdempotencyKey) -> Bool { a.text < b.text }
}

/// Identifies a request and where it waits: the process that took it, the lane, its number there.
///
/// `incarnation` is different for every start of a pod, so that an outcome for a request of an earlier run of the same
/// pod reaches nobody instead of somebody else.
public struct RequestID: Hashable, Sendable, CustomStringConvertible {
  public let incarnation: UInt64
  public let lane: UInt16
  public let number: UInt64

  public init(incarnation: UInt64, lane: UInt16, number: UInt64) {
    self.incarnation = incarnation
    self.lane = lane
    self.number = number
  }

  /// `incarnation-lane-number` in hexadecimal.
  public var description: String {
    "\(String(incarnation, radix: 16))-\(String(lane, radix: 16))-\(String(number, radix: 16))"
  }

  /// Reads an id as answers and logs have it, with or without leading zeros; nil for any other text.
  public init?(_ text: some StringProtocol) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 3, parts.allSatisfy({ $0.utf8.allSatisfy { Character(UnicodeScalar($0)).isHexDigit } }),
      let incarnation = UInt64(parts[0], radix: 16), let lane = UInt16(parts[1], radix: 16),
      let number = UInt64(parts[2], radix: 16)
    else { return nil }
    self.init(incarnation: incarnation, lane: lane, number: number)
  }
}

/// How a lane numbers what its requests ask of partitions. The numbers are in records, so that an answer's id leads
/// to the records of its request.
public enum RequestNumber {
  /// Set in the numbers of the commands of a `batch_init`.
  public static let batchBit: UInt64 = 1 << 63
  /// More commands than a `batch_init` has, repetitions included; beyond this their numbers repeat.
  private static let batchCommandBits: UInt64 = 20

  /// The number of one step of an exchange. An answer has the id of step 2, the command.
  public static func of(exchange: UInt64, step: UInt64) -> UInt64 { exchange << 2 | step }

  /// The number of one of the commands of an exchange's `batch_init`.
  public static func of(exchange: UInt64, batchCommand: UInt64) -> UInt64 {
    batchBit | (exchange << batchCommandBits) & ~batchBit | batchCommand & (1 << batchCommandBits - 1)
  }

  /// Whether a command of this number belongs to the request whose id has that one.
  public static func isOf(_ id: UInt64, command number: UInt64) -> Bool {
    if number & batchBit == 0 || id & batchBit != 0 { return id == number }
    return id & 3 == 2 && of(exchange: id >> 2, batchCommand: number) == number
  }
}

extension RequestID {
  /// Whether the log has a command for the request of this id: under the id itself, or as a part of its
  /// `batch_init`.
  public func covers(_ command: RequestID) -> Bool {
    incarnation == command.incarnation && lane == command.lane && RequestNumber.isOf(number, command: command.number)
  }
}

/// Commands from an ingest log: nobody waits for them, and their number is that of their stream.
extension RequestID {
  /// No run of a pod is 0, and no process has that many lanes.
  private static let ingestLane = UInt16.max

  /// - Parameter number: of the record in its partition's ingest log: its offset plus 1.
  public init(ingested number: UInt64) { self.init(incarnation: 0, lane: Self.ingestLane, number: number) }

  public var isIngested: Bool { incarnation == 0 && lane == Self.ingestLane }
}

/// Commands that a partition's owner gives itself: nobody waits for them, and no stream numbers them.
extension RequestID {
  /// Of every `OrderCommand.sweep`. No run of a pod is 0.
  public static let sweep = RequestID(incarnation: 0, lane: .max - 1, number: 0)

  public var isSweep: Bool { self == .sweep }
}

/// A W3C trace context: the trace a request belongs to and the span that caused it.
/// Source: https://www.w3.org/TR/trace-context/
public struct TraceContext: Hashable, Sendable {
  public let traceHigh: UInt64
  public let traceLow: UInt64
  public let span: UInt64
  public let flags: UInt8

  public init(traceHigh: UInt64, traceLow: UInt64, span: UInt64, flags: UInt8) {
    self.traceHigh = traceHigh
    self.traceLow = traceLow
    self.span = span
    self.flags = flags
  }
}
