import HTTPServer
import Model
import Runtime
import TestSupport
import Testing

@testable import RestAPI

@Suite struct IdempotencyTests {
  @Test(
    arguments: [
      ("", nil), (" ", nil), ("\"\"", nil), ("\"", nil), ("\"a", nil), ("a\"", nil), ("a\"b", nil), ("a b", nil),
      ("a\\b", nil), ("é", nil), ("a\u{7F}", nil), (String(repeating: "k", count: 256), nil),
      ("\"" + String(repeating: "k", count: 256) + "\"", nil),
      ("a", "a"), ("\"a\"", "a"), (" a\t", "a"), (" \"a\" ", "a"),
      ("8e03978e-40d5-43dd-bc93-6894a57f9324;x=1", "8e03978e-40d5-43dd-bc93-6894a57f9324;x=1"),
      ("\"" + String(repeating: "k", count: 255) + "\"", String(repeating: "k", count: 255)),
    ] as [(String, String?)])
  func parsing(_ header: String, _ key: String?) {
    #expect(RequestHeaders.parse(idempotencyKey: header)?.text == key)
    let response = Bench().send("POST /orders/checkout/o1", [("Idempotency-Key", header)]).response
    #expect(response?.status == (key == nil ? 400 : nil))
    if key == nil { #expect(response?.text.contains("malformed_idempotency_key") == true) }
  }

  @Test func givenTwiceIsRefused() {
    let twice = [("Idempotency-Key", "a"), ("idempotency-key", "a")]
    #expect(Bench().now("POST /orders/checkout/o1", twice).status == 400)
    #expect(Bench().send("GET /orders/find/o1", twice).response == nil)
  }

  /// The partition remembers the first id, and gives it to whoever repeats. When it has forgotten the key, the new id
  /// is of something new.
  @Test func sameRequestSamePartitionWhoeverTakesIt() {
    let key = [("Idempotency-Key", "k1")]
    let commands = [("POST /orders/create/u1", 1), ("POST /orders/create/%751", 9)].map { line, seed in
      let bench = Bench(random: SeededGenerator(seed: UInt64(seed)))
      _ = bench.send(line, key)
      return bench.port.submissions[0]
    }
    #expect(commands[0].command != commands[1].command)
    #expect(commands[0].token == commands[1].token)
    // Golden: other releases and machines have to find the same one.
    #expect(commands.map(\.partition) == [PartitionID(.orders, 4), PartitionID(.orders, 4)])
    #expect(commands[0].token?.fingerprint == 13_864_741_454_548_477_923)
  }

  @Test func otherKeysAndPathsGiveOtherIDs() {
    var seen: Set<String> = []
    let bench = Bench()
    for line in ["POST /orders/create/u1", "POST /orders/create/u2", "POST /stock/item/create/1"] {
      for key in ["a", "b", "c"] { _ = bench.send(line, [("Idempotency-Key", key + line.suffix(1))]) }
    }
    for submission in bench.port.submissions {
      switch submission.command {
      case .orders(.create(let id, _, _)): seen.insert(id.text)
      case .stock(.create(let id, _, _)): seen.insert(id.text)
      default: Issue.record("another command")
      }
    }
    #expect(seen.count == bench.port.submissions.count)
    #expect(seen.allSatisfy { $0.count == 15 && ItemID(validating: $0) != nil })
  }

  @Test func replayedAnswersSaySo() {
    let bench = Bench()
    let key = [("Idempotency-Key", "k1")]
    let done = bench.send("POST /orders/checkout/o1", key).exchange
    bench.complete(.outcome(.done, isReplayed: true))
    let refused = bench.send("POST /orders/checkout/o1", key).exchange
    bench.complete(.outcome(.refused(.unknownOrder(OrderID(unchecked: "o1"))), isReplayed: true))
    #expect(bench.answers[done]?.header("Idempotent-Replayed") == "true")
    #expect(bench.answers[refused]?.header("Idempotent-Replayed") == "true")
    #expect(bench.answers[refused]?.status == 404)
    #expect(bench.answers[refused]?.text.contains("a new attempt needs a new key") == true)
    let fresh = bench.send("POST /orders/checkout/o1").exchange
    bench.complete(.outcome(.done, isReplayed: false))
    #expect(bench.answers[fresh]?.header("Idempotent-Replayed") == nil)
  }

  /// The partitions cannot see it: they have nothing in common.
  @Test func sameKeyElsewhereIs422OnAllLanes() {
    let keys = KeyRegistry()
    let lanes = [Bench(keys: keys), Bench(keys: keys)]
    let key = [("Idempotency-Key", "k1")]
    #expect(lanes[0].send("POST /orders/checkout/o1", key).response == nil)
    #expect(lanes[1].send("POST /orders/checkout/o1", [("Idempotency-Key", "\"k1\"")]).response == nil)
    #expect(lanes[1].now("POST /orders/checkout/o2", key).status == 422)
    #expect(lanes[0].now("POST /payment/pay/u1/5", key).status == 422)
    #expect(lanes[0].now("DELETE /orders/remove/o1", key).status == 422)
    // A read has nothing to repeat.
    #expect(lanes[0].send("GET /orders/find/o1", key).response == nil)
    // What was refused before it had an effect did not use the key up.
    #expect(lanes[0].now("POST /stock/add/i1/x", [("Idempotency-Key", "k2")]).status == 400)
    #expect(lanes[0].send("POST /stock/add/i1/1", [("Idempotency-Key", "k2")]).response == nil)
  }

  /// Refused at the port, by the partition's bound, while the price was looked up, at the deadline, in a batch.
  @Test func aRequestThatNobodyTookGivesItsKeyBack() {
    let limits = RestLimits()
    let add = "POST /orders/addItem/o1/i1/1"
    let reused = Outcome.refused(.idempotencyKeyReused(IdempotencyKey(unchecked: "k")))
    let underWay = Outcome.refused(.checkoutUnderWay(OrderID(unchecked: "o1")))
    let unknown = Outcome.refused(.unknownOrder(OrderID(unchecked: "o1")))
    let lines: [(String, (Bench) -> Void, Bool)] = [
      ("POST /orders/checkout/o1", { $0.complete(.refused(.overloaded)) }, true),
      ("POST /orders/checkout/o1", { $0.complete(.refused(.outcomeUnknown)) }, false),
      ("POST /orders/checkout/o1", { $0.complete(.outcome(unknown, isReplayed: false)) }, false),
      ("POST /orders/checkout/o1", { $0.wait(milliseconds: limits.requestDeadlineMilliseconds) }, false),
      ("POST /orders/checkout/o1", { $0.complete(.outcome(reused, isReplayed: false)) }, true),
      ("DELETE /orders/remove/o1", { $0.complete(.outcome(underWay, isReplayed: false)) }, true),
      (add, { $0.tell(.view(.item(nil))) }, true),
      (add, { $0.tell(.refused(.starting)) }, true),
      (add, { $0.wait(milliseconds: limits.requestDeadlineMilliseconds) }, true),
      (add, { $0.api.abandoned(ExchangeID(number: 1)) }, true),
      ("POST /payment/batch_init/5/5", { $0.complete(.refused(.stopping)) }, false),
    ]
    for (number, (line, end, isFree)) in lines.enumerated() {
      let bench = Bench()
      let key = [("Idempotency-Key", "k")]
      #expect(bench.send(line, key).response == nil)
      end(bench)
      #expect((bench.send("POST /payment/pay/u1/5", key).response?.status == 422) == !isFree, "\(number) \(line)")
    }
    let full = Bench()
    full.port.refusals = [.overloaded, .overloaded]
    let key = [("Idempotency-Key", "k")]
    #expect(full.now("POST /orders/checkout/o1", key).status == 503)
    #expect(full.now("POST /payment/pay/u1/5", key).status == 503)
    #expect(full.send("POST /payment/pay/u1/5", key).response == nil)
    #expect(full.now("POST /orders/checkout/o1", key).status == 422)
  }

  /// Another request under the same key and path may have been taken.
  @Test func aKeyIsFreeWhenNoneOfItsRequestsWasTaken() {
    let keys = KeyRegistry()
    let (one, other) = (
      IdempotencyToken(key: IdempotencyKey(unchecked: "k"), fingerprint: 1),
      IdempotencyToken(key: IdempotencyKey(unchecked: "k"), fingerprint: 2)
    )
    for _ in 0..<2 { #expect(keys.admit(one, nowMilliseconds: 0)) }
    keys.giveBack(one)
    keys.giveBack(other)
    #expect(!keys.admit(other, nowMilliseconds: 0))
    keys.giveBack(one)
    #expect(keys.admit(other, nowMilliseconds: 0))
  }

  @Test func theRegistryIsBoundedAndForgets() {
    func token(_ key: String, _ fingerprint: UInt64) -> IdempotencyToken {
      IdempotencyToken(key: IdempotencyKey(unchecked: key), fingerprint: fingerprint)
    }
    let full = KeyRegistry(generationKeysMax: 2, expiryMilliseconds: 1_000_000)
    #expect(full.admit(token("a", 1), nowMilliseconds: 0))
    #expect(!full.admit(token("a", 2), nowMilliseconds: 0))
    for key in ["b", "c", "d", "e"] { #expect(full.admit(token(key, 1), nowMilliseconds: 0)) }
    #expect(full.admit(token("a", 2), nowMilliseconds: 0))
    #expect(!full.admit(token("e", 2), nowMilliseconds: 0))

    let old = KeyRegistry(generationKeysMax: 100, expiryMilliseconds: 1_000)
    #expect(old.admit(token("a", 1), nowMilliseconds: 10_000))
    #expect(!old.admit(token("a", 2), nowMilliseconds: 10_999))
    #expect(old.admit(token("a", 2), nowMilliseconds: 11_000))
    // Looked at late: still not remembered longer than a partition does.
    let late = KeyRegistry(generationKeysMax: 100, expiryMilliseconds: 1_000)
    #expect(late.admit(token("a", 1), nowMilliseconds: 10_000))
    #expect(late.admit(token("b", 1), nowMilliseconds: 10_950))
    #expect(late.admit(token("a", 2), nowMilliseconds: 11_300))
  }

  @Test func murmur3EqualsTheReference() {
    // Values of the Python package mmh3 5.3.1: hash64(text, signed=False, x64arch=True), low half first.
    let golden: [(String, UInt64, UInt64)] = [
      ("", 0x0000_0000_0000_0000, 0x0000_0000_0000_0000),
      ("a", 0x8555_5565_f659_7889, 0xe6b5_3a48_510e_895a),
      ("kassa", 0x4300_269c_9e3d_f24e, 0xe66d_b62d_e1c0_765c),
      ("0123456789abcde", 0xa62d_d5f6_c0bf_2351, 0x4fcc_f50c_7c54_4cf0),
      ("0123456789abcdef", 0x4be0_6d94_cf4a_d1a7, 0x87c3_5b5c_63a7_08da),
      ("0123456789abcdefg", 0x8e32_612d_aa45_f9de, 0x0800_f4c2_06c3_72ee),
      ("The quick brown fox jumps over the lazy dog", 0xe34b_bc7b_bc07_1b6c, 0x7a43_3ca9_c49a_9347),
    ]
    for (text, low, high) in golden {
      let hash = MurmurHash3(Array(text.utf8))
      #expect(hash.first == low && hash.second == high, "\(text)")
    }
    #expect(!golden.isEmpty)
  }

  @Test(arguments: [
    ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
    ("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", true),
    ("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
    ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more", false),
    ("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.more", false),
    ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
    ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
    ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false),
    ("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
    ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", false),
    ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g", false),
    ("00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
    ("", false), ("00", false), ("é0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
  ])
  func traceparent(_ text: String, _ isValid: Bool) {
    #expect((RequestHeaders.parse(traceparent: text) != nil) == isValid)
  }
}
