import Model
import PartitionCore
import Testing

@Suite struct DedupTests {
  private func message(_ source: PartitionID, _ offset: Int64, _ index: UInt32) -> PartitionMessage {
    PartitionMessage(
      source: source, position: SourcePosition(offset: offset, index: index),
      message: .paid(AttemptID(order: OrderID(unchecked: "o"), number: 1)))
  }
  private let source = PartitionID(.stock, 1)

  @Test func onlyHigherMessagesAreNew() {
    var dedup = Dedup(partitionCount: 2)
    // Offset, index, whether it is new.
    let rows: [(Int64, UInt32, Bool)] = [
      (0, 0, true), (0, 0, false), (0, 1, true), (0, 0, false), (5, 0, true), (4, 9, false), (5, 0, false),
      (5, 2, true), (5, 1, false), (.max, .max, true), (.max, .max, false), (0, 0, false),
    ]
    for (offset, index, isNew) in rows {
      #expect(dedup.admit(message(source, offset, index)) == isNew, "\(offset).\(index)")
    }
  }

  @Test func sourcesAreApart() {
    var dedup = Dedup(partitionCount: 2)
    for service in Service.allCases {
      for index in 0..<2 as Range<UInt16> {
        #expect(dedup.admit(message(PartitionID(service, index), 7, 0)) == true)
        #expect(dedup.admit(message(PartitionID(service, index), 7, 0)) == false)
      }
    }
    #expect(dedup.rows.count == 6)
  }

  @Test func aSourceThatDoesNotExistIsNoSource() {
    var dedup = Dedup(partitionCount: 2)
    #expect(dedup.admit(message(PartitionID(.orders, 2), 0, 0)) == nil)
    #expect(dedup.admit(message(PartitionID(.payments, .max), 0, 0)) == nil)
    #expect(dedup.rows.isEmpty)
  }

  @Test func rowsAscendAndRestoreTheTable() {
    var dedup = Dedup(partitionCount: 4)
    #expect(dedup.rows.isEmpty)
    for (source, offset) in [(PartitionID(.payments, 3), 3), (PartitionID(.orders, 2), 2), (PartitionID(.stock, 0), 0)]
    {
      _ = dedup.admit(message(source, Int64(offset), 1))
    }
    let rows = dedup.rows
    #expect(rows.map(\.source) == [PartitionID(.orders, 2), PartitionID(.stock, 0), PartitionID(.payments, 3)])
    #expect(rows.map(\.position.offset) == [2, 0, 3])
    var restored = Dedup(partitionCount: 4)
    restored.restore(rows)
    #expect(restored == dedup)
    #expect(restored.admit(message(PartitionID(.stock, 0), 0, 1)) == false)
    #expect(restored.admit(message(PartitionID(.stock, 0), 0, 2)) == true)
  }

  @Test func rowsOfPartitionsThatDoNotExistAreIgnored() {
    var dedup = Dedup(partitionCount: 2)
    dedup.restore([DedupRow(source: PartitionID(.stock, 2), position: SourcePosition(offset: 9, index: 0))])
    #expect(dedup.rows.isEmpty)
    #expect(dedup.admit(message(PartitionID(.payments, 0), 0, 0)) == true)
  }
}
