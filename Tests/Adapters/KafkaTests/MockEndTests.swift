import CRdKafka
import Ports
import Foundation
import Lanes
import Model
import Synchronization
import TestSupport
import Testing

@testable import Kafka

/// What the topics of librdkafka's mock cluster have, and how a log of records ends.
@Suite struct MockEndTests {
  @Test func reportsBoundsAndMargins() throws {
    let bench = try MockCluster().records()
    let log = bench.log
    #expect(bench.write([try ownedAppend(orders), logAppend(orders, 1)]).count == 2)
    #expect(
      try log.readBounds(of: [orders, stock]) == [orders: .init(first: 0, next: 2), stock: .init(first: 0, next: 0)])
    #expect(log.announced == [orders] && log.margins.isEmpty)
    try log.read([orders: 1], by: 0)
    #expect(log.margins == [orders: 1])
    log.trim(orders, through: 1)
    log.trim(PartitionID(.orders, 99), through: 1)
    #expect(log.margins == [orders: 2])
    log.leave(orders, by: 0)
    #expect(log.margins.isEmpty && log.announced.isEmpty)
    #expect(try !log.readClusterID().isEmpty)
    #expect(throws: LogFailure.self) { try log.readBounds(of: [PartitionID(.orders, 99)]) }
    log.close()
  }

  @Test func brokersThatDoNotAnswerAreAnError() throws {
    let cluster = try MockCluster()
    cluster.setUp(false)
    let bench = try cluster.records { $0.queryTimeoutMilliseconds = 300 }
    #expect { try bench.log.readBounds(of: [orders]) } throws: { ($0 as? LogFailure)?.code == .unreachable }
    #expect { try bench.log.readClusterID() } throws: { ($0 as? LogFailure)?.code == .unreachable }
    bench.log.close()
  }

  @Test func waitsForReportsAtItsEndAndTakesNothingAfterIt() throws {
    let bench = try MockCluster().records()
    let log = bench.log
    log.append((UInt64(1)...100).map { logAppend($0 % 2 == 0 ? orders : stock, $0) }, by: 0, expecting: [])
    let wakes = bench.lanes.map(\.wakeCount)
    log.close()
    #expect(log.failure?.code == .closed)
    #expect(zip(bench.lanes, wakes).allSatisfy { $0.wakeCount > $1 }, "all lanes are told")
    let confirmations = log.takeConfirmations(of: 0)
    #expect(confirmations.count == 100 && confirmations.allSatisfy { $0.offset != nil })
    log.append([logAppend(orders, 101)], by: 0, expecting: [])
    #expect(log.takeConfirmations(of: 0).isEmpty && log.takeRead(of: 0, eventsMax: 1).isEmpty)
    #expect { try log.read([orders: 0], by: 0) } throws: { ($0 as? LogFailure)?.code == .closed }
    #expect { try log.readBounds(of: [orders]) } throws: { ($0 as? LogFailure)?.code == .closed }
    #expect { try log.readClusterID() } throws: { ($0 as? LogFailure)?.code == .closed }
    log.close()
  }

  @Test func waitsForBrokersThatAreAwayNoLongerThanItMay() throws {
    let cluster = try MockCluster()
    let bench = try cluster.records { $0.closeTimeoutMilliseconds = 100 }
    cluster.setUp(false)
    bench.log.append([logAppend(orders, 1)], by: 0, expecting: [])
    let begin = ContinuousClock.now
    bench.log.close()
    let took = ContinuousClock.now - begin
    #expect(took >= .milliseconds(100) && took < .seconds(4), "\(took)")
    #expect(bench.log.takeConfirmations(of: 0).isEmpty, "nobody knows")
  }

  @Test func refusesOptionsThatMakeNoSense() throws {
    var options = try MockCluster().options()
    options.recordBytesMax = 1
    #expect { try KafkaRecordLog(options: options) { _ in } } throws: { ($0 as? LogFailure)?.code == .settings }
  }
}
