import Ports
import Foundation
import Model
import TestSupport
import Testing
import Wire

@testable import Kafka

extension BrokerSuite {
  /// The map of owners on a real broker.
  @Suite struct Owners {
    private let partition = PartitionID(.stock, 3)

    private func pod(_ name: String) -> PodAnnouncement {
      PodAnnouncement(name: name, incarnation: 0, host: "127.0.0.1", port: 7_000, services: [.stock])
    }

    private func announcement(_ epoch: UInt64, _ map: KafkaOwnershipMap) -> OwnerAnnouncement {
      OwnerAnnouncement(partition: partition, epoch: epoch, incarnation: map.incarnation, state: .open)
    }

    private func options() throws -> KafkaOptions {
      let options = try Broker.options()
      _ = try TopicAdministration(options).create(Broker.plan(options))
      return options
    }

    @Test func podsHearOfEachOther() throws {
      let options = try options()
      let first = try KafkaOwnershipMap(options: options, pod: pod("a")) { _ in }
      let second = try KafkaOwnershipMap(options: options, pod: pod("b")) { _ in }
      #expect(second.incarnation > first.incarnation)
      #expect(Set(second.snapshot().pods.keys) == [first.incarnation, second.incarnation], "read to its own record")
      #expect(eventually { first.snapshot().pods[second.incarnation]?.name == "b" })

      first.announce(announcement(1, first))
      #expect(eventually { second.snapshot().owner(of: partition)?.incarnation == first.incarnation })
      second.announce(announcement(2, second))
      #expect(eventually { first.snapshot().owner(of: partition)?.epoch == 2 })
      // A zombie that does not know yet.
      first.announce(announcement(1, first))

      let again = try KafkaOwnershipMap(options: options, pod: pod("a")) { _ in }
      #expect(again.incarnation > second.incarnation)
      #expect(again.snapshot().owner(of: partition)?.epoch == 2)
      first.close()
      #expect(again.snapshot().pods[again.incarnation] != nil, "an older run does not take the newer one's place")
      second.close()
      #expect(eventually { again.snapshot().pods[second.incarnation] == nil })
      again.close()
    }

    @Test func reportsWhenABrokerTookTheAnnouncement() throws {
      let before = Int64(Date().timeIntervalSince1970 * 1_000)
      let map = try KafkaOwnershipMap(options: options(), pod: pod("a")) { _ in }
      let after = Int64(Date().timeIntervalSince1970 * 1_000)
      #expect(map.announcedMilliseconds.map { (before - 1...after + 1).contains($0) } == true)
      map.close()
    }

    /// A record of an older owner, and the last words of an older run, stand last in the topic only for a moment.
    @Test func whatAnOlderRunSaysIsSaidAgain() throws {
      let options = try options()
      let map = try KafkaOwnershipMap(options: options, pod: pod("a")) { _ in }
      let other = try KafkaOwnershipMap(options: options, pod: pod("b")) { _ in }
      map.announce(announcement(4, map))
      #expect(eventually { other.snapshot().owner(of: partition)?.epoch == 4 })
      let topic = try OwnersTopic(options, wake: try WakeDescriptor())
      var last: [String] = []
      func reads(_ wanted: [String]) -> Bool {
        eventually {
          for row in topic.takeRows({ _ in }) {
            switch row.announcement {
            case .success(.owner(let owner)): last.append("\(owner.epoch)")
            case .success(.podLeft(let name)): last.append("\(name)-")
            case .success(.pod(let pod)): last.append(pod.incarnation == map.incarnation ? "a+" : "b+")
            case .failure: last.append("?")
            }
          }
          return last == wanted
        }
      }
      #expect(reads(["a+", "b+", "4"]), "\(last)")
      let older = OwnerAnnouncement(partition: partition, epoch: 3, incarnation: 1, state: .open)
      _ = try topic.write(
        key: AnnouncementCodec.key(ofOwnerOf: partition), value: AnnouncementCodec.encode(older), within: 10_000,
        { _ in })
      #expect(reads(["a+", "b+", "4", "3", "4"]), "\(last)")
      _ = try topic.write(key: AnnouncementCodec.key(ofPod: "a"), value: nil, within: 10_000, { _ in })
      #expect(reads(["a+", "b+", "4", "3", "4", "a-", "a+"]), "\(last)")
      #expect(eventually { other.snapshot().pods[map.incarnation] != nil })
      map.close()
      #expect(eventually { other.snapshot().pods[map.incarnation] == nil })
      other.close()
    }

    /// Kill -9 of the only broker: the map stays meanwhile, and goes on by itself afterwards.
    @Test func outlivesTheBroker() throws {
      let options = try options()
      let first = try KafkaOwnershipMap(options: options, pod: pod("a")) { _ in }
      let second = try KafkaOwnershipMap(options: options, pod: pod("b")) { _ in }
      first.announce(announcement(1, first))
      #expect(eventually { second.snapshot().owner(of: partition)?.epoch == 1 })
      try Broker.kill()
      first.announce(announcement(2, first))
      #expect(second.snapshot().owner(of: partition)?.epoch == 1 && second.snapshot().pods.count == 2)
      try Broker.up()
      #expect(eventually { second.snapshot().owner(of: partition)?.epoch == 2 })
      second.announce(announcement(3, second))
      #expect(eventually { first.snapshot().owner(of: partition)?.epoch == 3 })
      #expect(first.snapshot().pods.count == 2)
      first.close()
      #expect(eventually { second.snapshot().pods[first.incarnation] == nil })
      second.close()
    }

    /// The topic is deleted and made anew under running pods: each says again what it knows, and a run that starts
    /// then has a higher incarnation than the runs of its name that the others remember.
    @Test func outlivesTheTopic() throws {
      let options = try options()
      let first = try KafkaOwnershipMap(options: options, pod: pod("a")) { _ in }
      let second = try KafkaOwnershipMap(options: options, pod: pod("b")) { _ in }
      // More records than the new topic will have: its end tells the readers that their offsets are not of it.
      let topic = try OwnersTopic(options, wake: try WakeDescriptor())
      for _ in 0..<100 {
        _ = try topic.write(key: AnnouncementCodec.key(ofPod: "d"), value: nil, within: 10_000, { _ in })
      }
      first.announce(announcement(20, first))
      #expect(eventually { second.snapshot().owner(of: partition)?.epoch == 20 })
      try Broker.tool([
        "org.apache.kafka.tools.TopicCommand", "--bootstrap-server", Broker.address, "--delete", "--topic",
        options.ownersTopic,
      ])
      let administration = try TopicAdministration(options)
      #expect(eventually { (try? administration.create(Broker.plan(options))) == [options.ownersTopic] })
      let third = try KafkaOwnershipMap(options: options, pod: pod("c")) { _ in }
      #expect(
        eventually {
          third.snapshot().pods.count == 3 && third.snapshot().owner(of: partition)?.epoch == 20
        }, "\(third.snapshot())")
      let again = try KafkaOwnershipMap(options: options, pod: pod("a")) { _ in }
      #expect(again.incarnation > first.incarnation)
      #expect(eventually { second.snapshot().pods[again.incarnation] != nil })
      #expect(again.snapshot().owner(of: partition)?.epoch == 20)
      for map in [first, second, third, again] { map.close() }
    }
  }
}
