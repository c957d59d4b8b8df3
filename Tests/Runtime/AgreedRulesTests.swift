import Model
import Ports
import TestSupport
import Testing

@testable import Runtime

/// A record of newer rules shuts every pod out that does not know them.
@Suite struct AgreedRulesTests {
  private func pods(_ rules: UInt32...) -> OwnershipSnapshot {
    var map = OwnershipSnapshot()
    for (number, rules) in rules.enumerated() { _ = map.apply(.pod(announcement(UInt64(number + 1), rules))) }
    return map
  }

  private func announcement(_ number: UInt64, _ rules: UInt32) -> PodAnnouncement {
    PodAnnouncement(name: "pod-\(number)", incarnation: number, host: "127.0.0.1", port: 1, rules: rules)
  }

  @Test func theyRiseSlowlyAndFallAtOnce() {
    let agreed = AgreedRules(Rules.oneWriter)
    let (old, new) = (Rules.oneWriter, Rules.current)
    for (at, map, expected) in [
      (0, pods(), old), (1_000, pods(new), old), (1_100, pods(new, old), old), (1_101, pods(new, new), old),
      (2_100, pods(new, new), old), (2_101, pods(new, new), new), (2_102, pods(), new),
      (2_103, pods(new, old), old), (2_104, pods(new), old), (3_103, pods(new), old), (3_104, pods(new), new),
      (3_105, pods(new, 1), 1), (9_000, pods(new, new + 1), 1), (10_000, pods(new + 1), new),
    ] {
      agreed.follow(map, at: UInt64(at), settlingMilliseconds: 1_000)
      #expect(agreed.rules == expected, "at \(at)")
    }
  }

  /// An old pod that was there before, and never says anything again.
  @Test func anOldPodKeepsTheFormerRules() throws {
    let cluster = try TestCluster(partitions: 1)
    let old = cluster.world.join(announcement(99, Rules.oneWriter))
    let pod = try cluster.pod { $0.rulesSettlingMilliseconds = 200 }
    defer { pod.kill() }
    cluster.deal(to: [pod])
    #expect(pod.waitUntilReady())
    func rules() throws -> [Control] {
      _ = try pod.requests.submit(.payments(.create(UserID(unchecked: "user"), .random)))
      return cluster.broker.controls(of: PartitionID(.payments, 0)).filter {
        if case .rules = $0 { true } else { false }
      }
    }
    let clock = ContinuousClock()
    var start = clock.now
    while clock.now - start < .milliseconds(500) { #expect(try rules() == []) }
    start = clock.now
    old.close()
    #expect(eventually { (try? rules()) == [.rules(version: Rules.current)] })
    #expect(clock.now - start >= .milliseconds(199))
  }

  @Test func aPodThatStartsIntoAQuietClusterLearnsTheOwners() throws {
    let cluster = try TestCluster(partitions: 1)
    let owner = try cluster.pod()
    defer { owner.kill() }
    cluster.deal(to: [owner])
    #expect(owner.waitUntilReady())
    let user = UserID(unchecked: "user")
    _ = try owner.requests.submit(.payments(.create(user, .random)))
    let second = try cluster.pod(owns: [])
    defer { second.kill() }
    let added = try second.requests.submit(.payments(.addFunds(user, Money(unchecked: 5))))
    #expect(added == .outcome(.done, isReplayed: false))
  }
}
