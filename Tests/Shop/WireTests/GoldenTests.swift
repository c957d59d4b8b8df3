import Model
import PartitionCore
import Testing

@testable import Wire

/// The bytes of a release are those of every later one, and those that protoc reads and writes by the schema.
@Suite struct GoldenTests {
  private let table: [GoldenTable.Row]

  init() throws { table = try GoldenTable.rows() }

  private func row(_ name: String, _ message: String) throws -> GoldenTable.Row {
    let row = try #require(table.first { $0.name == name }, "golden.txt has no \(name)")
    #expect(row.message == message)
    return row
  }

  @Test func records() throws {
    for (name, record) in GoldenCases.records {
      let row = try row(name, "Record")
      var bytes: [UInt8] = []
      RecordCodec.encode(record, into: &bytes)
      #expect(bytes == row.bytes, "\(name)")
      let decoded = try row.bytes.withUnsafeBytes { bytes in try RecordCodec.decode(bytes) }
      #expect(decoded == record, "\(name)")
    }
  }

  @Test func rows() throws {
    for (name, key, entity) in GoldenCases.rows + GoldenCases.rowsOfEras {
      let row = try row(name, "Entity")
      var bytes: [UInt8] = []
      EntityCodec.encode(entity, into: &bytes)
      #expect(bytes == row.bytes, "\(name)")
      let decoded = try row.bytes.withUnsafeBytes { bytes in
        try EntityCodec.decode(bytes, for: key)
      }
      #expect(decoded == entity, "\(name)")
    }
  }

  @Test func headers() throws {
    for (name, header) in GoldenCases.headers {
      let row = try row(name, "CheckpointHeader")
      var bytes: [UInt8] = []
      CheckpointCodec.encode(header, into: &bytes)
      #expect(bytes == row.bytes, "\(name)")
      let decoded = try row.bytes.withUnsafeBytes { bytes in try CheckpointCodec.decode(bytes) }
      #expect(decoded == header, "\(name)")
    }
  }

  @Test func whatPartitionsWithOneWriterLogAndSay() throws {
    for (name, message, value) in GoldenCases.streams + GoldenCases.mesh {
      let row = try row(name, message)
      #expect(value.bytes == row.bytes, "\(name)")
      #expect(try Decoded(message, row.bytes) == value, "\(name)")
    }
  }

  @Test func everyRowOfTheTableHasACase() {
    let names =
      GoldenCases.records.map(\.name) + (GoldenCases.rows + GoldenCases.rowsOfEras).map(\.name)
      + GoldenCases.headers.map(\.name)
      + GoldenCases.streams.map(\.name) + GoldenCases.mesh.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(Set(table.map(\.name)) == Set(names))
    #expect(table.count == names.count)
  }

  @Test func protocReadsAndWritesTheSame() throws {
    for row in table {
      #expect(try Protoc.decode(row.message, row.bytes) == row.text, "\(row.name)")
      #expect(try Protoc.encode(row.message, row.text) == row.bytes, "\(row.name)")
    }
  }
}
