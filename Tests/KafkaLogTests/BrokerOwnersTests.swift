import EventLog
import KafkaLog
import Model
import OwnershipMap
import TestSupport
import Testing

extension BrokerSuite {
  /// The map of owners on a real broker.
  @Suite struct Owners {
    private func pod(_ name: String) -> PodAnnouncement {
      PodAnnouncement(name: name, incarnation: 0, host: "127.0.0.1", port: 7_000, services: [.stock])
    }

    private func announcement(_ epoch: UInt64, _ map: KafkaOwnershipMap) -> OwnerAnnouncement {
      OwnerAnnouncement(partition: PartitionID(.stock, 3), epoch: epoch, incarnation: map.incarnation, state: .open)
    }

    @Test func podsHearOfEachOther() throws {
      let options = try Broker.options()
      _ = try TopicAdministration(options).create(Broker.plan(options))
      let first = try KafkaOwnershipMap(options: options, pod: pod("a")) { _ in }
      let second = try KafkaOwnershipMap(options: options, pod: pod("b")) { _ in }
      #expect(second.incarnation > first.incarnation)
      #expect(Set(second.snapshot().pods.keys) == [first.incarnation, second.incarnation], "read to its own record")
      #expect(eventually { first.snapshot().pods[second.incarnation]?.name == "b" })

      first.announce(announcement(1, first))
      #expect(eventually { second.snapshot().owner(of: PartitionID(.stock, 3))?.incarnation == first.incarnation })
      second.announce(announcement(2, second))
      #expect(eventually { first.snapshot().owner(of: PartitionID(.stock, 3))?.epoch == 2 })
      // A zombie that does not know yet.
      first.announce(announcement(1, first))

      let again = try KafkaOwnershipMap(options: options, pod: pod("a")) { _ in }
      #expect(again.incarnation > second.incarnation)
      #expect(again.snapshot().owner(of: PartitionID(.stock, 3))?.epoch == 2)
      first.close()
      #expect(again.snapshot().pods[again.incarnation] != nil, "an older run does not take the newer one's place")
      second.close()
      #expect(eventually { again.snapshot().pods[second.incarnation] == nil })
      again.close()
    }
  }
}
