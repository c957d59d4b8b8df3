import EventLog
import Model
import TestSupport
import Testing

@testable import KafkaLog

/// The parts of the log that need no broker.
@Suite struct PieceTests {
  // MARK: The acknowledged prefix

  @Test func thePrefixEndsAtTheFirstGap() {
    var prefix = AcknowledgedPrefix()
    let numbers = (0..<5).map { _ in prefix.next() }
    #expect(numbers == [1, 2, 3, 4, 5])
    prefix.acknowledge(2)
    prefix.acknowledge(3)
    #expect(prefix.end == 0)
    prefix.acknowledge(1)
    #expect(prefix.end == 3)
    prefix.acknowledge(1)
    prefix.acknowledge(99)
    prefix.acknowledge(0)
    #expect(prefix.end == 3 && prefix.last == 5)
  }

  @Test(arguments: [UInt64(1), 2, 3])
  func thePrefixAgreesWithASetOfNumbers(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var prefix = AcknowledgedPrefix()
    var open: [UInt64] = []
    var done: Set<UInt64> = []
    for _ in 0..<20_000 {
      if open.isEmpty || (open.count < 3_000 && Bool.random(using: &random)) {
        open.append(prefix.next())
      } else {
        let number = open.remove(at: Int.random(in: 0..<min(open.count, 40), using: &random))
        prefix.acknowledge(number)
        done.insert(number)
      }
      let expected = open.min().map { $0 - 1 } ?? prefix.last
      #expect(prefix.end == expected, "seed \(seed)")
      guard prefix.end == expected else { return }
    }
  }

  // MARK: What is pending

  private func row(_ number: UInt64, generation: UInt32 = 1, bytes: Int = 10) -> PendingAppends.Row {
    PendingAppends.Row(
      partition: orders, record: record(Int64(number)), owner: nil, number: number, byteCount: bytes,
      generation: generation)
  }

  @Test func aRowIsTakenOnce() {
    var pending = PendingAppends()
    let one = pending.add(row(1))
    let two = pending.add(row(0, bytes: 5))
    #expect(one != 0 && two != 0 && one != two)
    #expect(pending.count == 2 && pending.messageCount == 1 && pending.byteCount == 15)
    #expect(pending.take(one)?.number == 1)
    #expect(pending.take(one) == nil)
    let three = pending.add(row(3, generation: 2))
    #expect(pending.take(one) == nil, "the place is used again by another generation")
    #expect(pending.take(0) == nil && pending.take(.max) == nil)
    #expect(pending.takeAll(of: 2).map(\.number) == [3])
    #expect(pending.take(three) == nil)
    #expect(pending.take(two) != nil)
    #expect(pending.count == 0 && pending.messageCount == 0 && pending.byteCount == 0)
  }

  @Test func rowsAreCountedByOwner() {
    let (one, two) = (TestOwner(), TestOwner())
    var pending = PendingAppends()
    func add(_ owner: TestOwner?, generation: UInt32) -> UInt {
      pending.add(
        .init(
          partition: orders, record: record(1), owner: owner, number: 0, byteCount: 1, generation: generation))
    }
    let tags = [add(one, generation: 1), add(one, generation: 2), add(two, generation: 2), add(nil, generation: 1)]
    #expect(pending.count(of: one) == 2 && pending.count(of: two) == 1)
    _ = pending.take(tags[0])
    _ = pending.take(tags[0])
    #expect(pending.count(of: one) == 1)
    _ = pending.takeAll(of: 2)
    #expect(pending.count(of: one) == 0 && pending.count(of: two) == 0 && pending.count == 1)
  }

  // MARK: Frames

  @Test func aLargeRecordIsDividedInOrder() {
    let entries = (0..<100).map { messageEntry($0, from: stock) }
    let append = Append(partition: orders, record: Record(entries: entries), isRefusable: false)
    let whole = RecordFrame.make([append], bytesMax: 1 << 20)
    #expect(whole.count == 1 && whole[0].isMessage)
    let parts = RecordFrame.make([append, command(7)], bytesMax: 300)
    #expect(parts.count > 10)
    #expect(parts.dropLast().allSatisfy { $0.bytes.count <= 300 && $0.isMessage && $0.partition == orders })
    #expect(parts.dropLast().flatMap(\.record.entries) == entries)
    #expect(parts.last?.isMessage == false)
  }

  @Test func anEntryThatIsTooLargeStaysWhole() {
    let frames = RecordFrame.make([message(1, from: stock, to: orders)], bytesMax: 3)
    #expect(frames.count == 1 && frames[0].bytes.count > 3)
  }

  @Test func aRecordKnowsItsSendersAndRequests() {
    let mixed = Record(
      entries: [messageEntry(1, from: stock), messageEntry(2, from: payments)] + command(9).record.entries)
    #expect(mixed.sources == [stock, payments])
    #expect(mixed.requests.map(\.number) == [9])
    #expect(mixed.without([stock]).entries.count == 2)
  }

  // MARK: Cursors and losses

  @Test func aCursorStopsAtAGap() {
    var cursor = PartitionCursor(next: 5)
    #expect([4, 5, 5, 6].map { cursor.admit($0) } == [.drop, .deliver, .drop, .deliver])
    #expect(cursor.admit(8) == .gap(expected: 7))
    #expect(cursor.admit(7) == .drop && cursor.isBroken)
  }

  @Test func aLossCountsOnceAllItsSendersKnow() {
    var lost = LostMessages()
    #expect(lost.lose(7, of: []).isEmpty, "nobody to be told")
    #expect(lost.lose(8, of: [orders, stock]) == [orders, stock])
    #expect(lost.lose(9, of: [stock]) == [stock])
    #expect(lost.told(payments).isEmpty)
    #expect(lost.told(stock) == [9])
    #expect(lost.untold == [orders])
    #expect(lost.stopped == [orders, stock])
    #expect(lost.restarted(orders) == [8])
    #expect(lost.stopped == [stock])
    #expect(lost.restarted(stock).isEmpty && lost.stopped.isEmpty)
  }

  // MARK: Bounds

  @Test func boundsRefuseWhatTheTopicLacks() {
    let bounds = LogBounds(first: 10, next: 20)
    #expect(bounds.refusal(behind: 8, of: orders)?.code == .trimmed)
    #expect(bounds.refusal(behind: 9, of: orders) == nil)
    #expect(bounds.refusal(behind: 19, of: orders) == nil)
    #expect(bounds.refusal(behind: 20, of: orders)?.code == .format)
    #expect(bounds.refusal(behind: -2, of: orders)?.code == .format)
    #expect(bounds.refusal(behind: .max - 1, of: orders)?.code == .format)
    #expect(LogBounds(first: 0, next: 0).refusal(behind: -1, of: orders) == nil)
    #expect(LogBounds(first: 20, next: 20).refusal(behind: -1, of: orders)?.code == .trimmed, "emptied by retention")
    #expect(bounds.margin(behind: 14) == 5 && bounds.margin(behind: 3) == 0)
  }
}
