import CRdKafka
import Ports
import Model
import TestSupport
import Testing

@testable import Kafka

/// The parts of a lane of the log that need no broker.
@Suite struct LanePieceTests {
  // MARK: Appends

  @Test func confirmsEachPartitionInTheOrderOfItsAppends() throws {
    var appends = LaneAppends(partitionCount: 4)
    let tags = [
      appends.begin(orders, epoch: 1, nil, byteCount: 10), appends.begin(orders, epoch: 1, 1, byteCount: 20),
      appends.begin(payments, epoch: 1, 5, byteCount: 30),
    ].compactMap { $0 }
    try #require(tags.count == 3)
    let (owned, first, other) = (tags[0], tags[1], tags[2])
    #expect(Set([owned, first, other, 0]).count == 4)
    #expect(appends.count == 3 && appends.byteCount == 60)
    appends.settle(first, offset: 8)
    #expect(appends.count == 2 && appends.byteCount == 40)
    expectEqual(appends.takeConfirmations().map(\.text), [], "the one before is under way")
    appends.settle(other, offset: 0)
    expectEqual(appends.takeConfirmations().map(\.text), ["payments-3@0#5"])
    appends.settle(owned, offset: nil)
    appends.settle(owned, offset: 9)
    appends.settle(owned &+ 1_200, offset: 9)
    expectEqual(appends.takeConfirmations().map(\.text), ["orders-0@-#-", "orders-0@8#1"])
    #expect(appends.count == 0 && appends.byteCount == 0)
    #expect(appends.append(first) == nil)
  }

  @Test func hasNoRoomBeyondItsBound() {
    var appends = LaneAppends(partitionCount: 4)
    expectEqual(appends.begin(PartitionID(.stock, 4), epoch: 1, 1, byteCount: 1), nil, "no such partition")
    for number in 1...UInt64(LaneAppends.countMax) { _ = appends.begin(stock, epoch: 1, number, byteCount: 1) }
    expectEqual(appends.begin(orders, epoch: 1, 1, byteCount: 1), nil)
    #expect(appends.count == LaneAppends.countMax)
  }

  // MARK: Readings

  @Test func readsEachOffsetOnceUpToTheEnd() {
    var readings = LaneReadings()
    expectEqual(readings.admit(orders, at: 0), .drop, "nobody reads it")
    readings.begin(orders, at: 3)
    expectEqual(readings.admit(orders, at: 2), .drop)
    expectEqual(readings.admit(orders, at: 3), .deliver)
    expectEqual(readings.admit(orders, at: 3), .drop)
    expectEqual(readings.admitEnd(orders, at: 3), .drop, "an end of before")
    expectEqual(readings.admitEnd(orders, at: 4), .ended)
    expectEqual(readings.admitEnd(orders, at: 4), .drop)
    expectEqual(readings.admit(orders, at: 4), .drop)
    #expect(readings.count == 0)
  }

  @Test func aGapBreaksItOnce() {
    for isAtEnd in [false, true] {
      var readings = LaneReadings()
      readings.begin(orders, at: 3)
      let verdict = isAtEnd ? readings.admitEnd(orders, at: 5) : readings.admit(orders, at: 5)
      #expect(verdict == .broken(reason: "a gap in the topic: offset 3 was expected, 5 came"))
      expectEqual(readings.admit(orders, at: 3), .drop)
      expectEqual(readings.admit(orders, at: .max), .drop)
    }
  }

  @Test func outlastsErrorsThatPass() {
    var readings = LaneReadings()
    readings.begin(orders, at: 0)
    for _ in 0..<100 {
      guard case .trouble = readings.admitError(orders, RD_KAFKA_RESP_ERR__TRANSPORT) else {
        Issue.record("a broker that is away breaks nothing")
        return
      }
    }
    for offset in 0..<10 as Range<Int64> {
      for _ in 1..<LaneReadings.errorsMax {
        guard case .trouble = readings.admitError(orders, RD_KAFKA_RESP_ERR_POLICY_VIOLATION) else {
          Issue.record("too early, at offset \(offset)")
          return
        }
      }
      expectEqual(readings.admit(orders, at: offset), .deliver)
    }
    for _ in 1..<LaneReadings.errorsMax { _ = readings.admitError(orders, RD_KAFKA_RESP_ERR_POLICY_VIOLATION) }
    guard case .broken = readings.admitError(orders, RD_KAFKA_RESP_ERR_POLICY_VIOLATION) else {
      Issue.record("nothing came between so many errors")
      return
    }
    expectEqual(readings.admitError(orders, RD_KAFKA_RESP_ERR_POLICY_VIOLATION), .drop)
  }

  // MARK: Margins

  @Test func reportsMarginsOfPartitionsThatWereAnnounced() {
    var margins = RetentionMargins()
    margins.note([orders: LogBounds(first: 3, next: 20)])
    margins.trim(orders, through: 10)
    #expect(margins.margins.isEmpty && margins.partitions.isEmpty)
    margins.announce(orders)
    margins.announce(stock)
    margins.note([orders: LogBounds(first: 3, next: 20)])
    #expect(margins.partitions == [orders, stock] && margins.margins.isEmpty, "no owner has said what it needs")
    margins.read(orders, from: 5)
    #expect(margins.margins == [orders: 2])
    margins.read(orders, from: 15)
    #expect(margins.margins == [orders: 2], "a later reading says nothing of the checkpoint")
    margins.trim(orders, through: 9)
    margins.trim(orders, through: 8)
    #expect(margins.margins == [orders: 7])
    margins.note([orders: LogBounds(first: 12, next: 20)])
    #expect(margins.margins == [orders: 0])
    margins.announce(orders)
    margins.read(orders, from: 13)
    #expect(margins.margins == [orders: 1], "another tenure")
    margins.forget(orders)
    #expect(margins.partitions == [stock])
    margins.trim(stock, through: .max)
    margins.note([stock: LogBounds(first: 0, next: 1)])
    #expect(margins.margins.isEmpty)
  }
}
