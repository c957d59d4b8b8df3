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
      #expect(row.body.withUnsafeBytes { StateHash(kind: row.kind, key: row.key, $0) } == hash)
    }
  }

  @Test func whatWasTakenOutLeavesNoTrace() throws {
    let rows = Self.rows
    let last = try #require(rows.last)
    var totals = Self.totals(rows)
    let all = totals
    last.body.withUnsafeBytes { totals.remove(kind: last.kind, key: last.key, $0) }
    #expect(totals == Self.totals(rows.dropLast()) && totals != all)
    for row in rows.dropLast() { row.body.withUnsafeBytes { totals.remove(kind: row.kind, key: row.key, $0) } }
    #expect(totals == StoreTotals())
    // More than there is.
    last.body.withUnsafeBytes { totals.remove(kind: last.kind, key: last.key, $0) }
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
