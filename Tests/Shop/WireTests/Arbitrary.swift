import Model
import PartitionCore

/// Makes arbitrary valid values from a seed, with a liking for the limits.
struct Arbitrary {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// SplitMix64. Source: https://prng.di.unimi.it/splitmix64.c
  mutating func bits() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  mutating func below(_ bound: Int) -> Int { Int(bits() % UInt64(bound)) }
  mutating func flip() -> Bool { bits() & 1 == 0 }
  mutating func pick<Value>(_ values: [Value]) -> Value { values[below(values.count)] }
  mutating func maybe<Value>(_ make: (inout Arbitrary) -> Value) -> Value? { flip() ? make(&self) : nil }

  mutating func list<Value>(max: Int, _ make: (inout Arbitrary) -> Value) -> [Value] {
    var values: [Value] = []
    for _ in 0..<below(max + 1) { values.append(make(&self)) }
    return values
  }

  /// 0…max, often small and often at an end.
  mutating func number(max: UInt64) -> UInt64 {
    switch below(6) {
    case 0: 0
    case 1: max
    case 2: max - bits() % 3
    case 3: bits() % (max == .max ? max : max + 1)
    default: bits() % 300 % (max == .max ? max : max + 1)
    }
  }

  mutating func amount<Value: Amount>() -> Value { Value(unchecked: Int64(number(max: UInt64(Value.max)))) }
  mutating func units() -> Quantity { Quantity(unchecked: 1 + Int64(number(max: UInt64(Quantity.max - 1)))) }
  mutating func time() -> Timestamp { Timestamp(milliseconds: Int64(number(max: 253_402_300_799_999))) }

  private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
  private static let keyAlphabet = (0x21...0x7E).filter { $0 != 0x22 && $0 != 0x5C }.map {
    Character(UnicodeScalar(UInt8($0)))
  }

  mutating func text(_ alphabet: [Character]) -> String {
    let length = pick([1, 2, 15, 15, 15, 16, 63, 64, 1 + below(64)])
    var text = ""
    for _ in 0..<length { text.append(pick(alphabet)) }
    return text
  }

  mutating func idText() -> String { text(Self.alphabet) }
  mutating func id<ID: Identifier>() -> ID { ID(unchecked: idText()) }
  mutating func key() -> IdempotencyKey { IdempotencyKey(unchecked: text(Self.keyAlphabet)) }
  mutating func attempt() -> AttemptID {
    AttemptID(order: id(), number: 1 + number(max: .max - 1))
  }
  mutating func request() -> RequestID {
    RequestID(incarnation: bits(), lane: UInt16(number(max: 0xFFFF)), number: number(max: .max))
  }
  mutating func token() -> IdempotencyToken {
    IdempotencyToken(key: key(), fingerprint: number(max: .max))
  }
  mutating func trace() -> TraceContext {
    TraceContext(
      traceHigh: number(max: .max), traceLow: bits(), span: bits(), flags: UInt8(number(max: 255)))
  }
  mutating func partition() -> PartitionID {
    PartitionID(pick(Service.allCases), UInt16(number(max: 4_095)))
  }
  mutating func position() -> SourcePosition {
    SourcePosition(offset: Int64(number(max: UInt64(Int64.max))), index: UInt32(number(max: UInt64(UInt32.max))))
  }

  /// - Parameter hasStops: false for a slip that may be one of an order without lines.
  mutating func slip(hasStops: Bool = true) -> Slip {
    let partitions = Set(list(max: 4) { UInt16($0.number(max: 4_095)) } + (hasStops ? [7] : [])).sorted()
    var stops: [Slip.Stop] = []
    for partition in partitions {
      let items = Set(list(max: 4) { $0.id() as ItemID } + [id()]).sorted()
      var lines: [Slip.Line] = []
      for item in items { lines.append(Slip.Line(item: item, quantity: units())) }
      stops.append(Slip.Stop(partition: partition, lines: lines))
    }
    return Slip(attempt: attempt(), user: id(), total: amount(), stops: stops, trace: maybe { $0.trace() })
  }

  mutating func failure() -> Failure {
    switch below(7) {
    case 0: .outOfStock(id())
    case 1: .unknownItem(id())
    case 2: .outOfCredit(id())
    case 3: .unknownUser(id())
    case 4: .paymentConflict(id())
    case 5: .tooManyWaiting(id())
    default: .amountOutOfRange(id())
    }
  }
}
