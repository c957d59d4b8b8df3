import Model
import PartitionCore
import Testing

@testable import Wire

@Suite struct EntityKeyTests {
  private static let order = OrderID(unchecked: "o-1")
  private static let user = UserID(unchecked: "u-1")
  static let forms: [(key: EntityKey, kind: UInt8, text: String)] = [
    (.order(order), 1, "o-1"),
    (.item(ItemID(unchecked: "i-1")), 2, "i-1"),
    (.hold(AttemptID(order: order, number: 1)), 3, "o-1/1"),
    (.hold(AttemptID(order: order, number: .max)), 3, "o-1/18446744073709551615"),
    (.user(user), 4, "u-1"),
    (.payment(user, order), 5, "u-1/o-1"),
    (.idempotency(IdempotencyKey(unchecked: "a/b")), 6, "a/b"),
  ]

  @Test func eachKeyHasOneForm() throws {
    for (key, kind, text) in Self.forms {
      #expect(EntityCodec.kind(of: key) == kind)
      #expect(EntityCodec.text(of: key) == text)
      #expect(try EntityCodec.key(kind: kind, text: text) == key)
    }
  }

  @Test(
    arguments: [
      (0, "a"), (7, "a"), (255, "a"), (1, ""), (1, "a/1"), (1, "é"), (2, " "), (3, "o"), (3, "o/"), (3, "/1"),
      (3, "o/0"), (3, "o/01"), (3, "o/+1"), (3, "o/-1"), (3, "o/18446744073709551616"),
      (3, "o/1/"), (3, "o/1/1"), (4, "a b"),
      (5, "u"), (5, "u/"), (5, "/o"), (5, "u/o/"), (5, "u//o"), (6, ""), (6, "a b"), (6, "\""),
      (6, String(repeating: "x", count: 256)), (1, String(repeating: "x", count: 65)),
    ] as [(UInt8, String)])
  func otherTextsAreNoKeys(kind: UInt8, text: String) {
    #expect(throws: WireError.self) { try EntityCodec.key(kind: kind, text: text) }
  }

  @Test func aRowHasToFitItsKey() throws {
    let (own, other) = (AttemptID(order: Self.order, number: 1), AttemptID(order: Self.order, number: 2))
    for (name, key, entity) in GoldenCases.rows {
      var bytes: [UInt8] = []
      EntityCodec.encode(entity, into: &bytes)
      for form in Self.forms where EntityCodec.kind(of: form.key) != EntityCodec.kind(of: key) {
        #expect(throws: WireError("the row is not of its key's kind"), "\(name) under \(form.text)") {
          try bytes.withUnsafeBytes { bytes in try EntityCodec.decode(bytes, for: form.key) }
        }
      }
    }
    let slip = Slip(
      attempt: own, user: Self.user, total: .zero,
      stops: [.init(partition: 0, lines: [.init(item: ItemID(unchecked: "a"), quantity: .one)])], trace: nil)
    var bytes: [UInt8] = []
    EntityCodec.encode(.hold(Hold(slip: slip, stop: 0, status: .held)), into: &bytes)
    #expect(throws: WireError("the hold belongs to another attempt")) {
      try bytes.withUnsafeBytes { bytes in try EntityCodec.decode(bytes, for: .hold(other)) }
    }
  }
}
