import Model
import TestSupport
import Testing

@testable import Kafka

/// The groups of a real broker.
extension BrokerSuite {
  @Suite struct GroupTests {
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
  }
}
