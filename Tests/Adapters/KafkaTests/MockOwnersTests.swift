import CRdKafka
import Ports
import Model
import TestSupport
import Testing
import Wire

@testable import Kafka

/// The map of owners against librdkafka's mock cluster.
@Suite struct MockOwnersTests {
  private let partition = PartitionID(.stock, 3)

  private func pod(_ name: String, host: String = "127.0.0.1") -> PodAnnouncement {
    PodAnnouncement(name: name, incarnation: 0, host: host, port: 7_000, services: [.stock])
  }

  private func owner(_ epoch: UInt64, _ incarnation: UInt64) -> OwnerAnnouncement {
    OwnerAnnouncement(partition: partition, epoch: epoch, incarnation: incarnation, state: .open)
  }

  @Test func podsHearOfEachOther() throws {
    let cluster = try MockCluster()
    let options = try cluster.options()
    let first = try KafkaOwnershipMap(options: options, pod: pod("a")) { _ in }
    let second = try KafkaOwnershipMap(options: options, pod: pod("b")) { _ in }
    #expect(Set(second.snapshot().pods.keys) == [first.incarnation, second.incarnation], "read to its own record")
    #expect(eventually { first.snapshot().pods[second.incarnation]?.name == "b" })
    let follower = TestLane()
    first.follow { follower.logHasNews() }
    let version = first.version
    second.announce(owner(1, second.incarnation))
    #expect(eventually { first.snapshot().owner(of: partition)?.incarnation == second.incarnation })
    #expect(first.version > version && eventually { follower.wakeCount > 0 })
    second.close()
    #expect(eventually { first.snapshot().pods[second.incarnation] == nil })
    #expect(first.snapshot().owner(of: partition)?.epoch == 1)
    first.close()
    first.close()
  }

  /// One that ended without a word is taken out by others; one that runs all the same comes back.
  @Test func podsAreForgotten() throws {
    let cluster = try MockCluster()
    let options = try cluster.options()
    let first = try KafkaOwnershipMap(options: options, pod: pod("a")) { _ in }
    let second = try KafkaOwnershipMap(options: options, pod: pod("b")) { _ in }
    let third = try KafkaOwnershipMap(options: options, pod: pod("c")) { _ in }
    #expect(eventually { first.snapshot().pods.count == 3 })
    let lively = try #require(first.snapshot().pods[second.incarnation])
    let version = third.version
    first.forget(lively)
    #expect(eventually { third.version > version && third.snapshot().pods[second.incarnation] == lively })
    // What has left cannot come back.
    third.close()
    #expect(eventually { first.snapshot().pods[third.incarnation] == nil })
    first.forget(pod("c"))
    #expect(first.snapshot().pods.count == 2)
    for map in [first, second] { map.close() }
  }

  /// While the broker is away the map stays; what is announced then, the newest of each partition, goes out later.
  @Test func continuesWhenTheBrokerIsBack() throws {
    let cluster = try MockCluster()
    var options = try cluster.options()
    options.commandTimeoutMilliseconds = 200
    let events = EventList()
    let first = try KafkaOwnershipMap(options: options, pod: pod("a"), report: events.add)
    let second = try KafkaOwnershipMap(options: options, pod: pod("b")) { _ in }
    cluster.setUp(false)
    first.announce(owner(1, first.incarnation))
    first.announce(owner(2, first.incarnation))
    #expect(
      eventually { events.all.contains { $0.description.contains("an announcement has to wait: _MSG_TIMED_OUT") } })
    #expect(second.snapshot().owner(of: partition) == nil && second.snapshot().pods.count == 2)
    cluster.setUp(true)
    #expect(eventually { second.snapshot().owner(of: partition)?.epoch == 2 })
    let told = events.all.count { $0.description.contains("has to wait") }
    #expect(told == 1, "the same reason is told once")
    first.close()
    second.close()
  }

  /// What stands last is what compaction keeps: it has to be the newest owner's, and the newest run's.
  @Test func whatComesLastIsTheNewest() throws {
    let cluster = try MockCluster()
    let options = try cluster.options()
    let map = try KafkaOwnershipMap(options: options, pod: pod("a")) { _ in }
    map.announce(owner(4, map.incarnation))
    let topic = try OwnersTopic(options, wake: try WakeDescriptor())
    var (pods, owners): ([Announcement], [OwnerAnnouncement]) = ([], [])
    func read() {
      for row in topic.takeRows({ _ in }) {
        guard case .success(let announcement) = row.announcement else { continue }
        if case .owner(let owner) = announcement { owners.append(owner) } else { pods.append(announcement) }
      }
    }
    func write(_ key: String, _ value: [UInt8]?) throws {
      _ = try topic.write(key: key, value: value, within: 10_000, { _ in })
    }
    let own = Announcement.pod(try #require(map.snapshot().pods[map.incarnation]))
    let newest = owner(4, map.incarnation)
    #expect(
      eventually {
        read(); return owners == [newest] && pods == [own]
      })
    // An older run of the name, paused until now, says what it last knew, and ends.
    try write(AnnouncementCodec.key(ofOwnerOf: partition), AnnouncementCodec.encode(owner(3, 7)))
    #expect(
      eventually {
        read(); return owners == [newest, owner(3, 7), newest]
      })
    try write(AnnouncementCodec.key(ofPod: "a"), nil)
    #expect(
      eventually {
        read(); return pods == [own, .podLeft(name: "a"), own]
      }, "with the incarnation that it has")
    #expect(eventually { map.snapshot().pods[map.incarnation] != nil })
    map.announce(owner(2, map.incarnation))
    map.close()
    #expect(
      eventually {
        read(); return pods.last == .podLeft(name: "a")
      })
    #expect(owners.count == 3, "nothing is said behind a newer owner: \(owners)")
  }

  /// An older run that ends does not take the newer one out of the map, and says nothing any more.
  @Test func aNewerRunStays() throws {
    let cluster = try MockCluster()
    let options = try cluster.options()
    let first = try KafkaOwnershipMap(options: options, pod: pod("a")) { _ in }
    let again = try KafkaOwnershipMap(options: options, pod: pod("a", host: "127.0.0.2")) { _ in }
    let other = try KafkaOwnershipMap(options: options, pod: pod("b")) { _ in }
    #expect(again.incarnation > first.incarnation)
    #expect(eventually { first.snapshot().pods[again.incarnation] != nil })
    first.close()
    other.announce(owner(1, other.incarnation))
    #expect(eventually { again.snapshot().owner(of: partition) != nil })
    #expect(Set(again.snapshot().pods.keys) == [again.incarnation, other.incarnation])
    #expect(again.snapshot().pods[again.incarnation]?.host == "127.0.0.2")
    for map in [again, other] { map.close() }
  }

  @Test func recordsOfNobodyAreCountedAndSkipped() throws {
    let cluster = try MockCluster()
    let options = try cluster.options()
    let events = EventList()
    let map = try KafkaOwnershipMap(options: options, pod: pod("a"), report: events.add)
    let topic = try OwnersTopic(options, wake: try WakeDescriptor())
    // Of format 2.
    let newer = AnnouncementCodec.encode(owner(9, 9)) + [15 << 3, 2]
    for (key, value) in [("owner/stock/3", newer), ("pod/b", [1, 2, 3]), ("new/kind", [])] as [(String, [UInt8])] {
      _ = try topic.write(key: key, value: value, within: 10_000, { _ in })
    }
    #expect(eventually { map.recordsPassedOver == 3 })
    #expect(map.snapshot().owner(of: partition) == nil && map.snapshot().pods.count == 1)
    let told = events.all.filter { $0.description.contains("skipped the record") }.map(\.description)
    #expect(told.count == 1 && told[0].hasSuffix("the record is of a newer format than this version reads"), "\(told)")
    map.close()
  }

  @Test func aPodThatNobodyCouldReadIsRefused() throws {
    let cluster = try MockCluster()
    let options = try cluster.options()
    for bad in [pod("a b"), pod(""), pod("a", host: ""), pod("a", host: String(repeating: "h", count: 256))] {
      let failure = #expect(throws: LogFailure.self) { try KafkaOwnershipMap(options: options, pod: bad) { _ in } }
      #expect(failure?.code == .settings)
    }
  }

  @Test func startingIsBounded() throws {
    let cluster = try MockCluster()
    var options = try cluster.options()
    options.queryTimeoutMilliseconds = 300
    cluster.setUp(false)
    #expect(throws: LogFailure.self) { try KafkaOwnershipMap(options: options, pod: pod("a")) { _ in } }
    cluster.setUp(true)
    options.queryTimeoutMilliseconds = 10_000
    options.closeTimeoutMilliseconds = 200
    let events = EventList()
    let map = try KafkaOwnershipMap(options: options, pod: pod("a"), report: events.add)
    cluster.setUp(false)
    map.close()
    let told = events.all.contains { $0.description.contains("cannot announce that this pod is ending") }
    #expect(told)
  }
}
