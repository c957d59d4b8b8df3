import CRdKafka
import Model
import TestSupport
import Testing

@testable import Kafka

/// The decisions of Kassa's own producer, without sockets and clocks.
@Suite struct ProduceBookTests {
  /// A book with two partitions a topic, of which broker 1 leads the first and broker 2 the second.
  private func book(isLed: Bool = true, batchBytesMax: Int = 1_000) -> ProduceBook {
    var book = ProduceBook(
      topics: ["o", "s", "p"], partitionCount: 2, timeLimitMilliseconds: 500, batchBytesMax: batchBytesMax)
    if isLed { book.learn(metadata([0: 1, 1: 2])) }
    return book
  }

  private func metadata(_ leaders: [Int32: Int32], code: Int16 = 0) -> BrokerProtocol.Metadata {
    var metadata = BrokerProtocol.Metadata()
    for broker in [1, 2] as [Int32] { metadata.brokers[broker] = .init(host: "h", port: UInt16(broker)) }
    metadata.topics = ["o", "s", "p"].map { .init(name: $0, code: code, leaders: leaders) }
    return metadata
  }

  private let first = PartitionID(.orders, 0)
  private let second = PartitionID(.orders, 1)
  private let other = PartitionID(.stock, 0)

  private func add(_ tags: [(PartitionID, UInt)], to book: inout ProduceBook, at now: UInt64 = 0, count: Int = 1) {
    for (partition, tag) in tags {
      expectEqual(book.add(Array(repeating: 1, count: count), to: partition, tag: tag, at: now), true)
    }
  }

  /// `o/0 s/0`
  private func take(_ leader: Int32, _ book: inout ProduceBook, at now: UInt64 = 0) -> ([ProduceBook.Sent], String) {
    var batches: [BrokerProtocol.TopicBatches] = []
    let sent = book.take(for: leader, at: now, time: 0, into: &batches)
    let text = batches.flatMap { topic in topic.batches.map { "\(topic.topic)/\($0.partition)" } }
    return (sent, text.joined(separator: " "))
  }

  private func placing(_ topic: String, _ partition: Int32, _ code: Int16, _ offset: Int64) -> BrokerProtocol.Placing {
    .init(topic: topic, partition: partition, code: code, offset: offset)
  }

  /// `tag@offset`, or `tag!code`.
  private func reports(_ book: inout ProduceBook) -> String {
    book.takeReports()
      .map { $0.offset >= 0 && $0.code.rawValue == 0 ? "\($0.tag)@\($0.offset)" : "\($0.tag)!\($0.code.rawValue)" }
      .joined(separator: " ")
  }

  @Test func oneRequestCarriesWhatABrokerLeads() {
    var book = book()
    add([(first, 1), (second, 2), (other, 3), (first, 4)], to: &book)
    expectEqual(book.leaders(at: 0), [1, 2])
    let (sent, text) = take(1, &book)
    #expect(text == "o/0 s/0")
    expectEqual(book.leaders(at: 0), [2])
    expectEqual(take(1, &book).1, "")
    add([(first, 5)], to: &book)
    expectEqual(take(1, &book).1, "", "one batch of it is on its way")
    expectEqual(book.settle(sent, [placing("s", 0, 0, 7), placing("o", 0, 0, 40)], at: 1), true)
    expectEqual(reports(&book), "1@40 4@41 3@7")
    expectEqual(take(1, &book).1, "o/0")
    expectEqual(take(2, &book).1, "o/1")
    #expect(!book.isIdle)
  }

  @Test func sendsAgainWhatPasses() {
    var book = book()
    add([(first, 1), (other, 2)], to: &book)
    var sent = take(1, &book).0
    add([(first, 3)], to: &book)
    expectEqual(book.settle(sent, [placing("o", 0, 6, -1), placing("s", 0, 19, -1)], at: 10), true)
    expectEqual(reports(&book), "")
    #expect(book.wantsMetadata)
    expectEqual(book.leaders(at: 59), [])
    book.learn(metadata([0: 2]))
    #expect(!book.wantsMetadata)
    expectEqual(book.leaders(at: 60), [2])
    let (again, text) = take(2, &book, at: 60)
    #expect(text == "o/0 s/0")
    expectEqual(book.settle(sent, [placing("o", 0, 0, 1), placing("s", 0, 0, 1)], at: 60), true, "the older request")
    book.lose(again, at: 70)
    expectEqual(reports(&book), "1@1 2@1", "whoever answers: it stands")
    sent = take(2, &book, at: 70).0
    expectEqual(book.settle(sent, [placing("o", 0, 0, 2)], at: 70), true)
    expectEqual(reports(&book), "3@2")
    #expect(book.isIdle)
  }

  @Test func sendsAgainWhatALostConnectionHad() {
    var book = book()
    add([(first, 1)], to: &book)
    let sent = take(1, &book).0
    add([(first, 2)], to: &book)
    book.lose(sent, at: 5)
    book.lose(sent, at: 5)
    let again = take(1, &book, at: 5).0
    #expect(again == sent, "the same batch, without what came later")
    expectEqual(book.settle(again, [placing("o", 0, 0, 9)], at: 6), true)
    expectEqual(reports(&book), "1@9")
  }

  @Test func reportsWhatIsRefused() {
    for (code, told) in [(10, 10), (18, 10), (87, 87), (-1, -1), (29, 29), (9_999, 9_999)] as [(Int16, Int32)] {
      var book = book()
      add([(first, 1), (first, 2)], to: &book)
      let sent = take(1, &book).0
      expectEqual(book.settle(sent, [placing("o", 0, code, 3)], at: 0), true)
      expectEqual(reports(&book), "1!\(told) 2!\(told)")
      #expect(book.isIdle)
    }
  }

  @Test func takesNoOffsetThatCannotBe() {
    for offset in [-1, .min, .max, .max - 1] as [Int64] {
      var book = book()
      add([(first, 1), (first, 2)], to: &book)
      let sent = take(1, &book).0
      expectEqual(book.settle(sent, [placing("o", 0, 0, offset)], at: 0), true)
      expectEqual(reports(&book), "1!0 2!0", "\(offset)")
    }
  }

  @Test func anAnswerThatLacksABatchIsRefused() {
    for placings in [
      [], [placing("o", 0, 0, 1)], [placing("o", 0, 0, 1), placing("x", 0, 0, 1)],
      [placing("o", 0, 0, 1), placing("s", 0, 0, 1), placing("s", 2, 0, 1)],
      [placing("o", 0, 0, 1), placing("s", 0, 0, 1), placing("s", .min, 0, 1)],
    ] {
      var book = book()
      add([(first, 1), (other, 2)], to: &book)
      let sent = take(1, &book).0
      expectEqual(book.settle(sent, placings, at: 0), false)
      expectEqual(reports(&book), "")
    }
  }

  @Test func givesUpInTime() {
    var book = book()
    add([(first, 1)], to: &book)
    let sent = take(1, &book).0
    add([(first, 2), (second, 3)], to: &book, at: 100)
    book.learn(metadata([0: 1], code: 3))
    book.expire(at: 499)
    expectEqual(reports(&book), "")
    book.expire(at: 500)
    expectEqual(reports(&book), "1!-192")
    #expect(book.wantsMetadata, "its leader may be none any more")
    expectEqual(book.settle(sent, [placing("o", 0, 0, 1)], at: 501), true, "too late")
    expectEqual(reports(&book), "")
    book.expire(at: 600)
    expectEqual(reports(&book), "2!3 3!3", "nobody leads it, as a broker said")
    #expect(book.isIdle)
    expectEqual(book.leaders(at: 600), [], "nothing is left to be sent")
    add([(first, 4)], to: &book, at: 700)
    expectEqual(take(1, &book, at: 700).1, "o/0")
  }

  @Test func asksWhoLeadsWhatNobodyLeads() {
    var book = book(isLed: false)
    #expect(book.wantsMetadata)
    book.learn(metadata([0: 1, 1: 7]))
    add([(second, 1)], to: &book)
    expectEqual(book.leaders(at: 0), [], "broker 7 is not known")
    #expect(book.wantsMetadata)
  }

  @Test func keepsItsBounds() {
    var book = book()
    for tag in 1...3 as ClosedRange<UInt> { add([(first, tag)], to: &book, count: 450) }
    let sent = take(1, &book).0
    expectEqual(book.settle(sent, [placing("o", 0, 0, 0)], at: 0), true)
    expectEqual(reports(&book), "1@0", "two do not fit with what a batch adds")
    let half = Array(repeating: UInt8(0), count: ProduceBook.requestBytesMax / 2 + 1)
    expectEqual(book.add(half, to: other, tag: 4, at: 0), true)
    expectEqual(book.add(half, to: PartitionID(.payments, 0), tag: 5, at: 0), true)
    expectEqual(take(1, &book).1, "o/0 s/0")
    expectEqual(take(1, &book).1, "p/0")
    expectEqual(book.add([1], to: PartitionID(.orders, 2), tag: 6, at: 0), false, "no such partition")
    for tag in 10..<265 as Range<UInt> { _ = book.add(half, to: second, tag: tag, at: 0) }
    expectEqual(book.add(half, to: second, tag: 7, at: 0), false)
    expectEqual(book.add([1], to: second, tag: 8, at: 0), true)
  }
}
