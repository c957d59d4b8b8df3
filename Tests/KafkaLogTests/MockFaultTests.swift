import CRdKafka
import EventLog
import Model
import Synchronization
import TestSupport
import Testing
import Threads

@testable import KafkaLog

/// What becomes of commands and messages when brokers fail; against librdkafka's mock cluster.
@Suite struct MockFaultTests {
  @Test func aCommandRunsOutAndAMessageDoesNot() throws {
    let cluster = try MockCluster()
    let events = EventList()
    let log = try cluster.open({ $0.commandTimeoutMilliseconds = 300 }, report: events.add)
    let owner = TestOwner()
    try log.subscribe(owner, to: [orders: -1])
    _ = try log.append([command(1)], by: owner)
    #expect(owner.collect(1, from: log).count == 1)
    cluster.setUp(false)
    let position = try log.append([command(2), message(3, from: stock, to: orders)], by: owner)
    #expect(
      eventually {
        log.takeReports(by: owner); return owner.unknownRequests.map(\.number) == [2]
      })
    #expect(log.statistics.commandsUnknown == 1)
    #expect(log.durable < position && log.failure == nil)
    cluster.setUp(true)
    #expect(owner.collect(1, from: log).map(\.text) == ["orders-0@1=3"])
    #expect(
      eventually {
        log.takeReports(by: owner); return log.durable == position
      })
    #expect(log.statistics.messagesLost == 0)
    let told = events.all.contains { if case .commandsUnknown(1, _) = $0 { true } else { false } }
    #expect(told)
    log.close()
  }

  /// Errors that pass, for longer than the time limit of commands: messages arrive once, in order.
  @Test func messagesOutlastErrorsThatPass() throws {
    let cluster = try MockCluster()
    let log = try cluster.open { $0.commandTimeoutMilliseconds = 200 }
    let owner = TestOwner()
    try log.subscribe(owner, to: [orders: -1])
    let passing = [
      RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
      RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
    ]
    cluster.fail(.produce, Array(repeating: passing, count: 6).flatMap { $0 })
    var position = LogPosition.zero
    for number in 1...50 as ClosedRange<Int64> {
      position = try log.append([message(number, from: stock, to: orders)], by: owner)
    }
    #expect(owner.collect(50, from: log).compactMap(\.number) == (1...50).map { $0 })
    #expect(
      eventually {
        log.takeReports(by: owner); return log.durable == position
      })
    #expect(log.statistics.messagesLost == 0 && log.statistics.producersReplaced == 0)
    log.close()
  }

  /// A broker that refuses a message for good: its senders stop, what they say later is dropped, the others go on.
  @Test func aLostMessageStopsItsSendersOnly() throws {
    let cluster = try MockCluster()
    let events = EventList()
    let log = try cluster.open(report: events.add)
    let owner = TestOwner()
    try log.subscribe(owner, to: [orders: -1, stock: -1, payments: -1])
    let before = try log.append([message(1, from: payments, to: orders)], by: owner)
    #expect(owner.collect(1, from: log).count == 1)
    #expect(
      eventually {
        log.takeReports(by: owner); return log.durable == before
      })

    cluster.fail(.produce, [RD_KAFKA_RESP_ERR_INVALID_RECORD])
    let lost = try log.append([message(2, from: stock, to: orders)], by: owner)
    let broken = owner.collect(1, from: log)
    #expect(broken.map(\.text) == ["stock-1@0!"])
    #expect(log.statistics.messagesLost == 1 && log.statistics.producersReplaced == 1)
    #expect(log.durable == lost, "its sender knows, so nobody else's checkpoint waits for it")
    #expect(log.failure == nil)
    let told = events.all.contains { if case .messagesLost([stock], _) = $0 { true } else { false } }
    #expect(told)

    // The stopped partition's later words would make the receiver drop the lost one.
    let both = Record(entries: [messageEntry(3, from: stock), messageEntry(4, from: payments)])
    _ = try log.append(
      [message(3, from: stock, to: orders), Append(partition: orders, record: both, isRefusable: false)], by: owner)
    #expect(owner.collect(1, from: log).map(\.text) == ["orders-0@1=4"])

    log.unsubscribe([stock])
    try log.subscribe(owner, to: [stock: -1])
    _ = try log.append([message(2, from: stock, to: orders), message(3, from: stock, to: orders)], by: owner)
    #expect(owner.collect(2, from: log).map(\.text) == ["orders-0@2=2", "orders-0@3=3"])
    log.close()
  }

  /// An entry that no record can hold is as lost as one that a broker refuses; a command of that size is unknown.
  @Test func anEntryOverSizeStopsItsSenderOnly() throws {
    let log = try MockCluster().open { $0.recordBytesMax = KafkaOptions.recordBytesMin }
    let owner = TestOwner()
    try log.subscribe(owner, to: [orders: -1, stock: -1])
    let huge = try #require(OrderID(validating: "huge"))
    let item = try #require(ItemID(validating: String(repeating: "i", count: 64)))
    let user = try #require(UserID(validating: "u"))
    let lines = Array(repeating: Slip.Line(item: item, quantity: Quantity.one), count: 3_000)
    let slip = Slip(
      attempt: AttemptID(order: huge, number: 1), user: user, total: .zero,
      stops: [Slip.Stop(partition: 1, lines: lines)], trace: nil)
    let message = PartitionMessage(
      source: stock, position: SourcePosition(offset: 1, index: 0), message: .charge(slip))
    let entries = [Entry(time: .zero, body: .message(message)), messageEntry(2, from: stock)]
    let position = try log.append(
      [Append(partition: orders, record: Record(entries: entries), isRefusable: false)], by: owner)
    let came = owner.collect(1, from: log)
    #expect(came.contains { $0.text == "stock-1@0!" }, "\(came.map(\.text))")
    #expect(
      eventually {
        log.takeReports(by: owner)
        return log.durable == position
      })
    #expect(log.failure == nil && log.statistics.messagesLost == 2, "none goes out behind the lost one")
    _ = try log.append([command(7)], by: owner)
    #expect(owner.collect(1, from: log).map(\.text) == ["orders-0@0=7"])
    log.close()
  }

  @Test func commandsOfADeadProducerAreUnknownAndTheNextOneTakesOver() throws {
    let cluster = try MockCluster()
    let log = try cluster.open()
    let owner = TestOwner()
    try log.subscribe(owner, to: [orders: -1])
    _ = try log.append([command(1)], by: owner)
    #expect(owner.collect(1, from: log).count == 1)
    cluster.fail(.produce, [RD_KAFKA_RESP_ERR_INVALID_RECORD])
    _ = try log.append([command(2)], by: owner)
    #expect(
      eventually {
        log.takeReports(by: owner); return owner.unknownRequests.map(\.number) == [2]
      })
    _ = try log.append([command(3)], by: owner)
    #expect(owner.collect(1, from: log).map(\.text) == ["orders-0@1=3"])
    log.close()
  }

  @Test func anOffsetThatTheTopicLostBreaksThePartitionOnly() throws {
    let cluster = try MockCluster()
    let log = try cluster.open()
    let owner = TestOwner()
    _ = try log.append([command(1), command(2, to: stock)], by: nil)
    #expect(
      eventually {
        log.takeReports(); return log.statistics.recordsPending == 0
      })
    cluster.fail(.fetch, [RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE])
    try log.subscribe(owner, to: [orders: -1])
    let broken = owner.collect(1, from: log)
    #expect(broken.map(\.text) == ["orders-0@0!"])
    guard case .broken(let reason)? = broken.first?.content else { return }
    #expect(reason.contains("no offset 0"))
    try log.subscribe(owner, to: [stock: -1])
    #expect(owner.collect(1, from: log).map(\.text) == ["stock-1@0=2"])
    log.close()
  }

  @Test func brokersThatDoNotAnswerAreAnError() throws {
    let cluster = try MockCluster()
    cluster.setUp(false)
    let log = try cluster.open { $0.queryTimeoutMilliseconds = 300 }
    #expect { try log.subscribe(TestOwner(), to: [orders: -1]) } throws: { error in
      (error as? LogFailure)?.code == .unreachable
    }
    #expect(throws: LogFailure.self) { try log.readClusterID() }
    log.close()
  }

  // MARK: A producer that is replaced while lanes send

  @Test func anAbandonedProducerTakesNothing() throws {
    let cluster = try MockCluster()
    let producer = try KafkaProducer(
      try cluster.options(), isGapless: true, generation: 1, wake: try WakeDescriptor())
    let frames = RecordFrame.make((1...2).map { message($0, from: stock, to: orders) }, bytesMax: 1 << 20)
    #expect(producer.send(frames[0], tag: 1) == nil)
    producer.abandon()
    #expect(producer.send(frames[1], tag: 2) != nil)
  }

  /// One thread sends a partition's messages in appends of many; another replaces the producer in their midst, again
  /// and again. The sender starts again from what has arrived, and the receiver drops what it has seen: nothing is
  /// left out.
  @Test func nothingGoesOutBehindWhatAReplacedProducerDropped() throws {
    let log = try MockCluster().open()
    let (owner, sender) = (TestOwner(), TestOwner())
    try log.subscribe(owner, to: [orders: -1])
    let received = Atomic<Int64>(0)
    let isDone = Atomic<Bool>(false)
    let thread = try #require(
      BackgroundThread("sender") {
        var next: Int64 = 1
        try? log.subscribe(sender, to: [stock: -1])
        while !isDone.load(ordering: .acquiring) {
          if log.takeDeliveries(of: sender, recordsMax: 10).contains(where: { $0.partition == stock }) {
            next = received.load(ordering: .acquiring) + 1
            try? log.subscribe(sender, to: [stock: -1])
          }
          guard next - received.load(ordering: .acquiring) < 2_000 else { continue }
          _ = try? log.append((next..<next + 200).map { message($0, from: stock, to: orders) }, by: sender)
          next += 200
        }
      })
    var seen: Int64 = 0
    for round in 1...60 {
      let goal = seen + 300
      let hasCome = eventually {
        for delivery in log.takeDeliveries(of: owner, recordsMax: 1_000) {
          let number = delivery.number ?? -1
          #expect(number <= seen + 1, "round \(round): \(seen + 1) was left out")
          seen = max(seen, number)
        }
        received.store(seen, ordering: .releasing)
        return seen >= goal
      }
      #expect(hasCome, "round \(round): \(seen) of \(goal)")
      guard hasCome, let producer = log.state.withLock({ $0.messages }) else { break }
      log.replace(producer, "a test")
    }
    isDone.store(true, ordering: .releasing)
    thread.join()
    #expect(log.failure == nil)
    log.close()
  }
}
