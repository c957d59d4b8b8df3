import Ports
import Model
import PartitionCore
import TestSupport
import Testing

@testable import Kafka

/// The tools' reader against librdkafka's mock cluster.
@Suite struct MockTopicReaderTests {
  private let cluster: MockCluster

  init() throws { cluster = try MockCluster() }

  private func reader(_ change: (inout KafkaOptions) -> Void = { _ in }) throws -> KafkaTopicReader {
    var options = try cluster.options()
    change(&options)
    return try KafkaTopicReader(options)
  }

  /// Fills orders-0 with records 1 to `count`.
  private func write(_ count: UInt64) throws {
    let bench = try cluster.records()
    #expect(bench.write((1...count).map { logAppend(orders, $0) }).count == Int(count))
    bench.log.close()
  }

  /// What a range has, as `orders-0@3#17`.
  private func read(
    _ partition: PartitionID, _ range: Range<Int64>, by reader: KafkaTopicReader
  ) throws -> [String] {
    var texts: [String] = []
    try reader.forEachBatch(of: partition, in: range) { batch in
      for record in batch {
        #expect(record.sequence == UInt64(record.offset) + 1)
        switch record.content {
        case .record(let logged):
          texts.append("\(record.partition)@\(record.offset)#\(logged.number.map(String.init) ?? "-")")
        case .undecodable: texts.append("\(record.partition)@\(record.offset)#?")
        }
      }
    }
    return texts
  }

  private func failure(_ body: () throws -> Void) -> LogFailure? {
    do { try body() } catch { return error as? LogFailure }
    return nil
  }

  @Test func readsRangesOneAfterTheOther() throws {
    try write(3_000)
    try cluster.write([1, 2, 3], to: stock)
    let reader = try reader()
    #expect(try reader.bounds(of: orders) == LogBounds(first: 0, next: 3_000))
    #expect(try read(orders, 0..<3_000, by: reader) == (0..<3_000).map { "orders-0@\($0)#\($0 + 1)" })
    #expect(try read(orders, 7..<9, by: reader) == ["orders-0@7#8", "orders-0@8#9"], "the same partition again")
    #expect(try read(stock, 0..<1, by: reader) == ["stock-1@0#?"])
    #expect(try read(orders, 5..<5, by: reader).isEmpty)
    #expect(try !reader.clusterID().isEmpty)
  }

  @Test func whatItsCallerThrowsEndsIt() throws {
    struct Enough: Error {}
    try write(10)
    let reader = try reader()
    #expect(throws: Enough.self) { try reader.forEachBatch(of: orders, in: 0..<10) { _ in throw Enough() } }
    #expect(try read(orders, 8..<10, by: reader) == ["orders-0@8#9", "orders-0@9#10"])
  }

  @Test func aRangeThatTheTopicDoesNotHaveIsAnError() throws {
    try write(10)
    let reader = try reader()
    let short = failure { _ = try read(orders, 4..<13, by: reader) }
    #expect(short?.code == .format)
    #expect(short?.message == "orders-0: its topic ends before offset 10, and offset 12 is needed")
    let beyond = failure { _ = try read(orders, 40..<41, by: reader) }
    let words = "orders-0 cannot be read any further: the topic has no offset 40"
    #expect(beyond?.message.hasPrefix(words) == true, "\(beyond as Any)")
    #expect(try read(orders, 9..<10, by: reader) == ["orders-0@9#10"])
  }

  @Test func brokersThatAreAwayAreWaitedForNoLongerThanItMay() throws {
    try write(1)
    let reader = try reader { $0.queryTimeoutMilliseconds = 300 }
    cluster.setUp(false)
    let away = failure { _ = try read(orders, 0..<1, by: reader) }
    #expect(away?.code == .unreachable)
    #expect(away?.message.hasPrefix("orders-0: no record came for 300 ms, and offset 0 is expected") == true)
    #expect(failure { _ = try reader.bounds(of: orders) }?.code == .unreachable)
    cluster.setUp(true)
    #expect(eventually { (try? read(orders, 0..<1, by: reader)) == ["orders-0@0#1"] })
  }
}
