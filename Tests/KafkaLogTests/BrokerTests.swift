import EventLog
import Foundation
import Model
import TestSupport
import Testing

@testable import KafkaLog

/// The log on a real broker.
extension BrokerSuite {
  @Suite struct LogTests {
    @Test func keepsTheOrderOfManyThreads() async throws {
      let log = try Broker.open { $0.lingerMilliseconds = 1 }
      let owners = [TestOwner(), TestOwner()]
      let partitions = Service.allCases.flatMap { service in (0..<4).map { PartitionID(service, $0) } }
      try log.readBounds(of: partitions)
      for (place, owner) in owners.enumerated() {
        let own = partitions.enumerated().filter { $0.offset % 2 == place }.map { ($0.element, Int64(-1)) }
        try log.subscribe(owner, to: Dictionary(uniqueKeysWithValues: own))
      }
      let perThread: Int64 = 2_000
      try await withThrowingTaskGroup(of: Void.self) { group in
        for thread in 0..<4 as Range<Int64> {
          group.addTask {
            for number in 0..<perThread {
              let partition = partitions[Int(number * 5 + thread) % partitions.count]
              _ = try log.append([message(thread * 1_000_000 + number, from: stock, to: partition)], by: nil)
            }
          }
        }
        try await group.waitForAll()
      }
      var all: [Delivery] = []
      #expect(
        eventually {
          for owner in owners { all += log.takeDeliveries(of: owner, recordsMax: 500) }
          return all.count >= 4 * Int(perThread) && log.durable == LogPosition(UInt64(4 * perThread))
        })
      for (partition, deliveries) in Dictionary(grouping: all, by: \.partition) {
        #expect(deliveries.map(\.offset) == (0..<Int64(deliveries.count)).map { $0 }, "\(partition)")
        for (_, ofThread) in Dictionary(grouping: deliveries, by: { ($0.number ?? 0) / 1_000_000 }) {
          #expect(ofThread.compactMap(\.number) == ofThread.compactMap(\.number).sorted())
        }
      }
      #expect(all.count == 4 * Int(perThread))
      #expect(try !log.readClusterID().isEmpty)
      log.close()
    }

    /// Kill -9 of the only broker under load: every message arrives, in order, once; commands are unknown or there.
    @Test func outlivesTheBroker() throws {
      let log = try Broker.open { $0.commandTimeoutMilliseconds = 1_000 }
      let owner = TestOwner()
      try log.subscribe(owner, to: [orders: -1, stock: -1])
      var sent: Int64 = 0
      func send(_ count: Int64) throws {
        for _ in 0..<count {
          sent += 1
          _ = try log.append(
            [message(sent, from: payments, to: orders), command(UInt64(sent), to: stock)], by: owner)
        }
      }
      var all: [Delivery] = []
      try send(500)
      try Broker.kill()
      try send(500)
      #expect(
        eventually {
          all += log.takeDeliveries(of: owner, recordsMax: 500)
          return owner.unknownRequests.count >= 500
        }, "commands run out while the broker is away")
      try Broker.up()
      try send(500)
      #expect(
        eventually {
          all += log.takeDeliveries(of: owner, recordsMax: 500)
          return log.statistics.recordsPending == 0 && all.count { $0.partition == orders } >= 1_500
        })
      #expect(all.filter { $0.partition == orders }.compactMap(\.number) == (1...1_500).map { $0 })
      // Read to the end of what the commands' partition has.
      let end = try log.readBounds(of: [stock])[stock]?.next ?? 0
      #expect(
        eventually {
          all += log.takeDeliveries(of: owner, recordsMax: 500)
          return all.count { $0.partition == stock } >= Int(end)
        })
      let arrived = all.filter { $0.partition == stock }.compactMap(\.number)
      #expect(Set(arrived).count == arrived.count, "no command twice")
      let unknown = Set(owner.unknownRequests.map { Int64($0.number) })
      #expect(unknown.union(arrived) == Set(1...1_500), "each command is there, or unknown")
      #expect(log.failure == nil && log.statistics.messagesLost == 0)
      log.close()
    }

    /// What retention removed is refused at the start, and stops a partition that was already being read.
    @Test func aTopicEmptiedByRetentionIsRefused() throws {
      let events = EventList()
      let log = try Broker.open(report: events.add)
      _ = try log.append((1...20).map { command($0) }, by: nil)
      #expect(
        eventually {
          log.takeReports(); return log.statistics.recordsPending == 0
        })
      try log.readBounds(of: [orders])
      try Broker.remove(log.options.topic(of: .orders), before: 20)
      // Behind the log's back: what it knows of the topic is old.
      let owner = TestOwner()
      try log.subscribe(owner, to: [orders: 4])
      #expect(owner.collect(1, from: log).map(\.text) == ["orders-0@5!"])
      #expect(try log.readBounds(of: [orders]) == [orders: LogBounds(first: 20, next: 20)])
      #expect { try log.subscribe(owner, to: [orders: 4]) } throws: { ($0 as? LogFailure)?.code == .trimmed }
      try log.subscribe(owner, to: [orders: 19])
      _ = try log.append([command(21)], by: nil)
      #expect(owner.collect(1, from: log).map(\.text) == ["orders-0@20=21"])
      #expect(log.margins[orders] == 0, "its next record is the first that is left")
      log.close()
    }

    // MARK: Groups

    @Test func membersShareThePartitionsAndHandThemOn() throws {
      let options = try Broker.options(partitions: 6)
      _ = try TopicAdministration(options).create(Broker.plan(options))
      let members = try (0..<2).map { _ in try KafkaMember(options, of: .stock) }
      var owned: [Set<PartitionID>] = [[], []]
      func take(_ places: [Int]) {
        for place in places {
          for event in members[place].takeEvents() {
            switch event {
            case .assigned(let partitions): owned[place] = Set(partitions)
            case .revoked: owned[place] = []
            case .trouble: break
            }
          }
        }
      }
      let all = Set((0..<6).map { PartitionID(.stock, $0) })
      #expect(
        eventually {
          take([0, 1])
          return owned[0].count == 3 && owned[1].count == 3 && owned[0].union(owned[1]) == all
        })
      #expect(!members[0].id.isEmpty && members[0].id != members[1].id)
      members[0].stepAside()
      #expect(
        eventually {
          take([0, 1])
          return owned[0].isEmpty && owned[1] == all
        }, "for a while")
      try members[0].join()
      #expect(
        eventually {
          take([0, 1])
          return owned[0].count == 3 && owned[1].count == 3 && owned[0].union(owned[1]) == all
        })
      members[0].leave()
      #expect(
        eventually {
          take([1])
          return owned[1] == all
        }, "who leaves hands on at once")
      #expect(members[0].takeEvents().isEmpty)
      members[1].leave()
    }

    // MARK: Figures

    /// Prints how long it takes from an append to the delivery, one record at a time, and how many go through with
    /// 2,000 under way, by linger. Waits as a lane does: for the queue's descriptor.
    @Test(arguments: [0.0, 1.0, 2.0])
    func latency(linger: Double) throws {
      let log = try Broker.open { $0.lingerMilliseconds = linger }
      let owner = TestOwner()
      try log.subscribe(owner, to: [orders: -1])
      let wake = try log.inbox(for: owner).0.wake
      let clock = ContinuousClock()
      var times: [Duration] = []
      for number in 0..<1_000 as Range<UInt64> {
        let start = clock.now
        _ = try log.append([command(number)], by: owner)
        while log.takeDeliveries(of: owner, recordsMax: 10).isEmpty, clock.now - start < .seconds(30) {
          wake.wait(milliseconds: 1_000)
        }
        if number >= 200 { times.append(clock.now - start) }
      }
      times.sort()
      let rate = try throughput(log, owner, wake)
      let figures = [times[times.count / 2], times[times.count * 99 / 100]].map { $0.seconds * 1_000 }
      Swift.print(
        String(
          format: "linger %.0f ms: append → delivered p50 %.2f ms, p99 %.2f ms; %.0f records a second", linger,
          figures[0], figures[1], rate))
      log.close()
    }

    /// Records a second, each delivered once.
    private func throughput(_ log: KafkaLog, _ owner: TestOwner, _ wake: WakeDescriptor) throws -> Double {
      let clock = ContinuousClock()
      let count = 40_000
      let start = clock.now
      var (sent, received) = (0, 0)
      while received < count, clock.now - start < .seconds(60) {
        while sent < count, sent - received < 2_000 {
          _ = try log.append([command(UInt64(sent))], by: owner)
          sent += 1
        }
        let taken = log.takeDeliveries(of: owner, recordsMax: 4_096).count
        received += taken
        if taken == 0 { wake.wait(milliseconds: 100) }
      }
      #expect(received == count)
      return Double(count) / (clock.now - start).seconds
    }
  }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
