import Model
import Ports
import Testing

@testable import Runtime

/// When a walk over orders reads and sweeps, and what it picks.
@Suite struct OrderWalkTests {
  private var pace: OrderPace {
    var pace = OrderPace()
    (pace.pageMax, pace.sweepMax) = (4, 2)
    (pace.pageMilliseconds, pace.busyPageMilliseconds) = (100, 10)
    (pace.walkMilliseconds, pace.retryMilliseconds) = (10_000, 1_000)
    return pace
  }
  private let bound = Timestamp(milliseconds: 50)

  private func page(_ orders: (String, Int64?)...) -> [StoredOrder] {
    orders.map { id, changedAt in
      StoredOrder(id: OrderID(unchecked: id), changedAt: changedAt.map { Timestamp(milliseconds: $0) })
    }
  }
  private func ids(_ ids: String...) -> [OrderID] { ids.map { OrderID(unchecked: $0) } }

  @Test func partitionsBeginAtDifferentMoments() {
    let dues = (0..<4).map { OrderWalk(pace, at: 1_000, share: $0, of: 4).pageDueAt }
    #expect(dues == [1_025, 1_050, 1_075, 1_100])
  }

  @Test func aPageWithoutOldOrdersIsFollowedByTheNextAfterItsInterval() {
    var walk = OrderWalk(pace, at: 0, share: 0, of: 1)
    let after = walk.beginPage(at: 100)
    #expect(after == nil)
    #expect(walk.pageDueAt == nil, "one is under way")
    let hasEnded = walk.read(page(("a", 51), ("b", 99), ("c", 60), ("d", 70)), changedBefore: bound, at: 110)
    #expect(!hasEnded && walk.pageDueAt == 210 && !walk.isSweepDue)
    let afterThen = walk.beginPage(at: 210)
    #expect(afterThen == OrderID(unchecked: "d"))
  }

  @Test func whatIsOldOrOfUnknownAgeIsSweptInParts() {
    var walk = OrderWalk(pace, at: 0, share: 0, of: 1)
    _ = walk.beginPage(at: 100)
    let hasEnded = walk.read(page(("a", 50), ("b", 51), ("c", nil), ("d", 0)), changedBefore: bound, at: 110)
    #expect(!hasEnded)
    #expect(walk.isSweepDue && walk.pageDueAt == nil)
    let swept = walk.beginSweep()
    #expect(swept == ids("a", "c"))
    #expect(!walk.isSweepDue, "one is under way")
    let isOver = walk.swept(at: 120)
    #expect(!isOver && walk.isSweepDue)
    let sweptThen = walk.beginSweep()
    #expect(sweptThen == ids("d"))
    let isOverThen = walk.swept(at: 130)
    #expect(!isOverThen)
    #expect(walk.pageDueAt == 140, "more may be old")
    let after = walk.beginPage(at: 140)
    #expect(after == OrderID(unchecked: "d"))
  }

  @Test func theLastSweepOfTheLastPageEndsTheWalk() {
    var walk = OrderWalk(pace, at: 0, share: 0, of: 1)
    _ = walk.beginPage(at: 100)
    let hasEnded = walk.read(page(("a", 1)), changedBefore: bound, at: 110)
    #expect(!hasEnded)
    let swept = walk.beginSweep()
    #expect(swept == ids("a"))
    let sweptThen = walk.beginSweep()
    #expect(sweptThen == nil)
    let isOver = walk.swept(at: 120)
    #expect(isOver)
    #expect(walk.pageDueAt == 10_100)
  }

  @Test func aPageThatCannotBeReadIsReadAgain() {
    var walk = OrderWalk(pace, at: 0, share: 0, of: 1)
    _ = walk.beginPage(at: 100)
    _ = walk.read(page(("a", 99), ("b", 99), ("c", 99), ("d", 99)), changedBefore: bound, at: 110)
    let after = walk.beginPage(at: 210)
    #expect(after == OrderID(unchecked: "d"))
    walk.readFailed(at: 220)
    #expect(walk.pageDueAt == 1_220)
    let afterThen = walk.beginPage(at: 1_220)
    #expect(afterThen == OrderID(unchecked: "d"))
  }

  /// Not more often than its interval, however few orders there are; at once if it took longer.
  @Test(arguments: [(110, 10_100), (30_000, 30_100)] as [(UInt64, UInt64)])
  func theNextWalkBeginsAnIntervalAfterTheLast(_ endedAt: UInt64, _ dueAt: UInt64) {
    var walk = OrderWalk(pace, at: 0, share: 0, of: 1)
    _ = walk.beginPage(at: 100)
    let hasEnded = walk.read([], changedBefore: bound, at: endedAt)
    #expect(hasEnded)
    #expect(walk.pageDueAt == dueAt)
    let after = walk.beginPage(at: dueAt)
    #expect(after == nil)
  }

  @Test func aPartitionThatKeepsItsOrdersIsAskedAgain() {
    var walk = OrderWalk(pace, at: 0, share: 0, of: 1)
    walk.postpone(at: 500)
    #expect(walk.pageDueAt == 600)
    _ = walk.beginPage(at: 600)
    walk.postpone(at: 610)
    #expect(walk.phase == .reading)
  }

  /// Answers that nobody waits for change nothing.
  @Test func lateAnswersAreIgnored() {
    var walk = OrderWalk(pace, at: 0, share: 0, of: 1)
    let hasEnded = walk.read(page(("a", 1)), changedBefore: bound, at: 10)
    let isOver = walk.swept(at: 20)
    #expect(!hasEnded && !isOver)
    #expect(walk.phase == .resting(until: 100))
  }
}
