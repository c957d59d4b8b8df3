import Foundation
import Model
import Testing

/// The same partitions as Kafka's own clients choose.
@Suite struct PartitionerTests {
  private struct Row {
    let key: String
    let hash: Int32
    /// By partition count: 8, 64, 100.
    let partitions: [UInt16]
  }

  private func table() throws -> [Row] {
    let url = try #require(Bundle.module.url(forResource: "murmur2-golden", withExtension: "tsv"))
    let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n").filter { !$0.hasPrefix("#") }
    return try lines.map { line in
      let columns = line.split(separator: "\t", omittingEmptySubsequences: false)
      try #require(columns.count == 5, "\(line)")
      let hash = try #require(Int32(columns[1]), "\(line)")
      let partitions = columns[2...].compactMap { UInt16($0) }
      try #require(partitions.count == 3, "\(line)")
      return Row(key: String(columns[0]), hash: hash, partitions: partitions)
    }
  }

  @Test func hashesAreThoseOfKafka() throws {
    let rows = try table()
    #expect(rows.count >= 40)
    for row in rows {
      let hash = Array(row.key.utf8).withUnsafeBytes(Partitioner.murmur2)
      #expect(Int32(bitPattern: hash) == row.hash, "\(row.key)")
    }
  }

  @Test func partitionsAreThoseOfKafka() throws {
    for row in try table() {
      for (count, expected) in zip([8, 64, 100], row.partitions) {
        let partitioner = try #require(Partitioner(count: count))
        #expect(partitioner.index(of: row.key) == expected, "\(row.key) of \(count)")
      }
    }
  }

  @Test func eachServiceHasItsOwnKey() throws {
    let partitioner = try #require(Partitioner(count: 64))
    let index = partitioner.index(of: "order_1-A")
    #expect(partitioner.partition(of: OrderID(unchecked: "order_1-A")) == PartitionID(.orders, index))
    #expect(partitioner.partition(of: ItemID(unchecked: "order_1-A")) == PartitionID(.stock, index))
    #expect(partitioner.partition(of: UserID(unchecked: "order_1-A")) == PartitionID(.payments, index))
    let user = UserID(unchecked: "order_1-A")
    let payment = Query.payment(user, OrderID(unchecked: "another"))
    #expect(payment.partition(by: partitioner) == partitioner.partition(of: user))
  }

  @Test func countsHaveBounds() {
    #expect(Partitioner(count: 0) == nil)
    #expect(Partitioner(count: -1) == nil)
    #expect(Partitioner(count: 1)?.index(of: "any") == 0)
    #expect(Partitioner(count: 4_096) != nil)
    #expect(Partitioner(count: 4_097) == nil)
  }

  @Test func partitionsAreNamedAsTopicPartitions() {
    #expect(PartitionID(.orders, 3).description == "orders-3")
    #expect(PartitionID(.stock, 4_095).description == "stock-4095")
    #expect(PartitionID(.payments, 0).description == "payments-0")
  }

  @Test func partitionsAscendByServiceThenIndex() {
    let ascending = [
      PartitionID(.orders, 0), PartitionID(.orders, 9), PartitionID(.stock, 1), PartitionID(.payments, 0),
    ]
    #expect(ascending.reversed().sorted() == ascending)
  }
}
