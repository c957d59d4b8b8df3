import Foundation
import Model
import Testing
import Wire

@testable import Kafka

/// What records of ingest topics say, and what is wrong with them.
@Suite struct IngestCommandTests {
  private let partitioner = Partitioner(count: 4)!

  private func command(
    _ value: String, key: String? = "thing", _ service: Service = .stock, contentType: String? = nil
  ) throws(IngestFlaw) -> ClientCommand {
    try IngestRecord(key: key.map { Array($0.utf8) }, value: Array(value.utf8), contentType: contentType)
      .command(for: PartitionID(service, partitioner.index(of: "thing")), as: 8, partitioner)
  }

  private func flaw(
    _ value: String, key: String? = "thing", _ service: Service = .stock, contentType: String? = nil
  ) -> String? {
    do throws(IngestFlaw) {
      _ = try command(value, key: key, service, contentType: contentType)
      return nil
    } catch { return error.reason }
  }

  /// A value, and a part of the sentence that refuses it.
  private static let refusals: [(value: String, reason: String)] = [
    ("", "has no value"), ("rubbish", "not a JSON object"), ("[]", "not a JSON object"),
    (#"{"command":"checkout","command":"checkout"}"#, "names a member twice"),
    (#"{"item":"thing"}"#, "'command' is missing"), (#"{"command":7}"#, "'command' is missing"),
    (#"{"command":"delete_all"}"#, "no command 'delete_all'; it can be one of add_funds, add_item"),
    (#"{"command":"add_stock","item":"thing"}"#, "'quantity' must be a whole number, 0 to 9007199254740991"),
    (#"{"command":"add_stock","item":"thing","quantity":"5"}"#, "'quantity' must be a whole number"),
    (#"{"command":"add_stock","item":"thing","quantity":-1}"#, "'quantity' must be a whole number"),
    (#"{"command":"add_stock","item":"thing","quantity":1.5}"#, "'quantity' must be a whole number"),
    (#"{"command":"add_stock","item":"thing","quantity":9007199254740992}"#, "'quantity' must be a whole number"),
    (#"{"command":"add_stock","item":"a thing","quantity":5}"#, "'item' must be a string of 1 to 64 characters"),
    (#"{"command":"add_stock","item":"thing","quantity":5,"amount":5}"#, "add_stock has no member 'amount'"),
    (#"{"command":"add_stock","item":"thing","quantity":5,"key":"a b"}"#, "'key' must be"),
    (#"{"command":"add_stock","item":"other","quantity":5}"#, "key is not 'other'"),
    (#"{"command":"create_user","user":"thing"}"#, "a command for payments, but the topic is that of stock"),
  ]

  @Test func whatIsWrongIsSaid() {
    for (value, reason) in Self.refusals {
      #expect(flaw(value)?.contains(reason) == true, "\(value): \(flaw(value) ?? "taken")")
    }
    let good = #"{"command":"add_stock","item":"thing","quantity":5}"#
    #expect(flaw(good) == nil)
    #expect(flaw(good, key: nil)?.contains("has no key; it must be 'thing'") == true)
    #expect(flaw(good, key: "Thing")?.contains("key is not 'thing'") == true)
    #expect(flaw(good, contentType: "text/plain")?.contains("content-type is 'text/plain'") == true)
    #expect(flaw(good, contentType: "application/json; charset=utf-8") == nil)
    #expect(flaw(good + String(repeating: " ", count: 70_000))?.contains("has 70051 bytes") == true)
  }

  @Test func aRecordOfAnotherPartitionerIsRefused() {
    let record = IngestRecord(key: Array("thing".utf8), value: Array(#"{"command":"checkout","order":"thing"}"#.utf8))
    let elsewhere = PartitionID(.orders, (partitioner.index(of: "thing") + 1) % 4)
    #expect {
      try record.command(for: elsewhere, as: 1, partitioner)
    } throws: {
      ($0 as? IngestFlaw)?.reason.contains("partitioner other than murmur2") == true
    }
  }

  @Test func eachCommandIsTheOneOfTheAPI() throws {
    let (thing, user) = (ItemID(unchecked: "thing"), UserID(unchecked: "thing"))
    let (order, other) = (OrderID(unchecked: "thing"), OrderID(unchecked: "other"))
    let five = Quantity(unchecked: 5)
    let cases: [(String, Command)] = [
      (#""create_item","item":"thing","price":7"#, .stock(.create(thing, price: Money(unchecked: 7), .derived))),
      (#""add_stock","item":"thing","quantity":5"#, .stock(.add(thing, five))),
      (#""subtract_stock","item":"thing","quantity":5"#, .stock(.subtract(thing, five))),
      (#""create_user","user":"thing""#, .payments(.create(user, .derived))),
      (#""add_funds","user":"thing","amount":7"#, .payments(.addFunds(user, Money(unchecked: 7)))),
      (#""pay","user":"thing","amount":7"#, .payments(.pay(user, nil, Money(unchecked: 7)))),
      (#""pay","user":"thing","amount":7,"order":"other""#, .payments(.pay(user, other, Money(unchecked: 7)))),
      (#""cancel_payment","user":"thing","order":"other""#, .payments(.cancel(user, other))),
      (
        #""create_order","order":"thing","user":"u""#,
        .orders(.create(order, user: UserID(unchecked: "u"), .derived))
      ),
      (#""remove_order","order":"thing""#, .orders(.remove(order))),
      (
        #""add_item","order":"thing","item":"thing","quantity":5,"price":7"#,
        .orders(.addItem(order, thing, five, price: Money(unchecked: 7)))
      ),
      (
        #""set_item","order":"thing","item":"thing","quantity":0,"price":7"#,
        .orders(.setItem(order, thing, .zero, price: Money(unchecked: 7)))
      ),
      (#""remove_item","order":"thing","item":"thing""#, .orders(.removeItem(order, thing))),
      (#""checkout","order":"thing""#, .orders(.checkout(order))),
    ]
    for (members, expected) in cases {
      let found = try command("{\"command\":\(members)}", expected.service)
      #expect(found.command == expected && found.request == RequestID(ingested: 8) && found.idempotency == nil)
    }
    #expect(Set(cases.map { $0.0.split(separator: "\"")[0] }).count == IngestJSON.commands.count)
  }

  @Test func aKeyStandsForOneCommand() throws {
    let first = try command(#"{"command":"add_stock","item":"thing","quantity":5,"key":"k1"}"#).idempotency
    let again = try command(#"{"key":"k1","quantity":5,"command":"add_stock","item":"thing"}"#).idempotency
    let other = try command(#"{"command":"add_stock","item":"thing","quantity":6,"key":"k1"}"#).idempotency
    #expect(first?.key.text == "k1" && first == again && first?.fingerprint != other?.fingerprint)
  }

  /// As protobuf: field 20 to 23 of `ClientCommand`, without a request.
  @Test func protobufIsReadToo() throws {
    let item: [UInt8] = [0x0A, 5] + Array("thing".utf8)
    let partition = PartitionID(.stock, partitioner.index(of: "thing"))
    func read(_ value: [UInt8]) throws(IngestFlaw) -> ClientCommand {
      try IngestRecord(key: Array("thing".utf8), value: value, contentType: "application/x-protobuf")
        .command(for: partition, as: 8, partitioner)
    }
    let add = try read([0xAA, 1, UInt8(item.count + 2)] + item + [0x10, 5])
    #expect(add.command == .stock(.add(ItemID(unchecked: "thing"), Quantity(unchecked: 5))))
    #expect(add.request == RequestID(ingested: 8))
    // Freshness 1, "made at random", does not spare the look whether the item exists.
    let create = try read([0xA2, 1, UInt8(item.count + 4)] + item + [0x10, 7, 0x18, 1])
    #expect(create.command == .stock(.create(ItemID(unchecked: "thing"), price: Money(unchecked: 7), .derived)))
    #expect { try read([0xAA]) } throws: { ($0 as? IngestFlaw)?.reason.contains("not a ClientCommand") == true }
    #expect { try read([0xBA, 1, 4, 0x08, 0, 0x10, 1]) } throws: { $0 is IngestFlaw }
  }

  /// Whatever bytes a topic has, reading them ends in a command or a sentence.
  @Test func rubbishNeverTraps() {
    var random = SplitMix64(seed: 7)
    let partition = PartitionID(.stock, 0)
    for _ in 0..<20_000 {
      let value = (0..<Int.random(in: 0...40, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      let type = Bool.random(using: &random) ? "application/x-protobuf" : nil
      _ = try? IngestRecord(key: value, value: value, contentType: type).command(for: partition, as: 1, partitioner)
    }
  }

  /// The published schema has the same commands with the same members.
  @Test func theSchemaIsWhatIsRead() throws {
    var folder = URL(fileURLWithPath: #filePath)
    for _ in 0..<4 { folder.deleteLastPathComponent() }
    let text = try Data(contentsOf: folder.appendingPathComponent("docs/ingest.schema.json"))
    let schema = try #require(try JSONSerialization.jsonObject(with: text) as? [String: Any])
    var commands: [String: [String]] = [:]
    for one in try #require(schema["oneOf"] as? [[String: Any]]) {
      let name = try #require(one["title"] as? String)
      let properties = try #require(one["properties"] as? [String: [String: Any]])
      let required = try #require(one["required"] as? [String])
      #expect(properties["command"]?["const"] as? String == name && one["additionalProperties"] as? Bool == false)
      commands[name] = properties.keys.filter { $0 != "command" && $0 != "key" }
        .map { required.contains($0) ? $0 : $0 + "?" }.sorted()
    }
    #expect(commands == IngestJSON.commands.mapValues { $0.sorted() })
  }
}
