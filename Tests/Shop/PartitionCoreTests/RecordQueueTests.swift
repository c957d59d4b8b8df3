import Model
import Testing

@testable import PartitionCore

@Suite struct RecordQueueTests {
  private func delivery(_ offset: Int64) -> Delivery {
    Delivery(partition: PartitionID(.orders, 0), offset: offset, position: .zero, content: .record(Record(entries: [])))
  }

  @Test func recordsComeOutInOrder() {
    var queue = RecordQueue()
    #expect(queue.isEmpty)
    #expect(queue.first == nil)
    queue.removeFirst()
    #expect(queue.isEmpty, "taking from an empty queue changes nothing")
    for offset in 0..<3 as Range<Int64> { queue.append(delivery(offset)) }
    #expect(queue.count == 3)
    #expect(queue.map(\.offset) == [0, 1, 2])
    queue.removeFirst()
    #expect(queue.first?.offset == 1)
    #expect(queue.map(\.offset) == [1, 2])
    queue.removeFirst()
    queue.removeFirst()
    #expect(queue.isEmpty)
  }

  /// Passes the places where the queue gives back what it has taken, with the queue neither empty nor growing.
  @Test(arguments: [1, 63, 64, 65, 127, 200])
  func aLongLifeKeepsTheOrder(length: Int64) {
    var queue = RecordQueue()
    for offset in 0..<length { queue.append(delivery(offset)) }
    for offset in 0..<Int64(1_000) {
      #expect(queue.first?.offset == offset)
      queue.removeFirst()
      queue.append(delivery(offset + length))
      #expect(queue.count == Int(length))
    }
    #expect(queue.map(\.offset) == Array(1_000..<1_000 + length))
  }
}
