import Foundation
import Model
import PartitionCore
import Testing
import TestSupport

@testable import Wire

@Suite struct StoreTotalsTests {
  private typealias Row = (kind: UInt8, key: String, body: [UInt8])

  private static func row(_ key: EntityKey, _ entity: Entity) -> Row {
    var body: [UInt8] = []
    EntityCodec.encode(entity, into: &body)
    return (EntityCodec.kind(of: key), EntityCodec.text(of: key), body)
  }

  private static func totals(_ rows: [Row]) -> StoreTotals {
    var totals = StoreTotals()
    for row in rows { row.body.withUnsafeBytes { totals.insert(kind: row.kind, key: row.key, $0) } }
    return totals
  }

  private static var rows: [Row] { GoldenCases.rows.map { row($0.key, $0.entity) } }

  @Test func hashesARowAsAnAuditHashesItsEntity() {
    for (_, key, entity) in GoldenCases.rows {
      var hash = StateHash()
      hash.insert(key, entity)
      let row = Self.row(key, entity)
      var totals = StoreTotals()
      row.body.withUnsafeBytes { totals.insert(kind: row.kind, key: row.key, $0) }
      #expect(totals.description.contains("(hash \(hash))"))
    }
  }

  /// Long keys, and rows that do not fit on the stack.
  @Test func hashesRowsOfAnySize() {
    for length in [0, 1, 127, 128, 300, 20_000] {
      let key = String(repeating: "k", count: length)
      let body = [UInt8](repeating: 7, count: length * 2)
      var bytes: [UInt8] = [200, 1]
      if length >= 128 { bytes += [UInt8(length & 0x7f) | 0x80] }
      bytes += length >= 1 << 14 ? [UInt8(length >> 7 & 0x7f) | 0x80, UInt8(length >> 14)] : [UInt8(length >> 7)]
      if length < 128 { bytes[2] = UInt8(length) }
      let expected = MurmurHash3(bytes + key.utf8 + body)
      let found = Array(key.utf8).withUnsafeBytes { key in
        body.withUnsafeBytes { StateHash(kind: 200, key: key, $0) }
      }
      #expect(found == StateHash(high: expected.first, low: expected.second), "\(length)")
    }
  }

  @Test func whatWasTakenOutLeavesNoTrace() throws {
    let rows = Self.rows
    let last = try #require(rows.last)
    var totals = Self.totals(rows)
    let all = totals
    totals.subtract(Self.totals([last]))
    #expect(totals == Self.totals(rows.dropLast()) && totals != all)
    totals.add(Self.totals([last]))
    #expect(totals == all)
    totals.subtract(all)
    #expect(totals == StoreTotals())
    // More than there is.
    totals.subtract(Self.totals([last]))
    #expect(totals != StoreTotals())
  }

  @Test func saysWhatThereIs() {
    let user = Self.row(.user(UserID(unchecked: "u")), .user(User()))
    let foreign: Row = (200, "x", [])
    #expect(Self.totals([]).description.hasPrefix("nothing (hash 0000"))
    #expect(Self.totals([foreign, user]).description.hasPrefix("1 users, 1 rows of kind 200 (hash "))
  }

  private static func encoded(_ totals: StoreTotals?) -> [UInt8] {
    var bytes: [UInt8] = []
    for (_, header) in GoldenCases.headers.suffix(1) { CheckpointCodec.encode(header, totals: totals, into: &bytes) }
    return bytes
  }

  @Test func areInTheHeadersBytes() throws {
    let totals = Self.totals(Self.rows + [(200, "x", [])])
    for kept in [totals, StoreTotals()] {
      let bytes = Self.encoded(kept)
      #expect(try bytes.withUnsafeBytes { bytes in try CheckpointCodec.totals(bytes) } == kept)
      let header = try bytes.withUnsafeBytes { bytes in try CheckpointCodec.decode(bytes) }
      #expect(header == GoldenCases.headers.last?.header)
    }
    let none = Self.encoded(nil)
    #expect(try none.withUnsafeBytes { bytes in try CheckpointCodec.totals(bytes) } == nil)
  }

  @Test func protocReadsThem() throws {
    let user = Self.row(.user(UserID(unchecked: "u")), .user(User()))
    let text = try Protoc.decode("CheckpointHeader", Self.encoded(Self.totals([user])))
    let told = try #require(text.components(separatedBy: "totals {").dropFirst().first)
    for word in ["kind: 4", "count: 1", "hash_high: ", "hash_low: "] { #expect(told.contains(word), "\(told)") }
  }

  @Test(
    arguments: [
      [0x72, 0x04, 0x0a, 0x02, 0x08, 0x01], [0x72, 0x07, 0x0a, 0x05, 0x08, 0x80, 0x02, 0x10, 0x01],
      [0x72, 0x0c, 0x0a, 0x04, 0x08, 0x01, 0x10, 0x01, 0x0a, 0x04, 0x08, 0x01, 0x10, 0x01], [0x72, 0x02, 0x11, 0x01],
    ] as [[UInt8]])
  func refusesDamagedOnes(_ bytes: [UInt8]) {
    #expect(throws: WireError.self) { try bytes.withUnsafeBytes { bytes in try CheckpointCodec.totals(bytes) } }
  }
}
