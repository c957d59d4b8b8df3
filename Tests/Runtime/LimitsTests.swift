import Ports
import Model
import PartitionCore
import TestSupport
import Testing

@testable import Runtime

/// Owners that are configured otherwise than the owner before.
@Suite struct LimitsTests {
  private let orders = ["a", "b"].map { OrderID(unchecked: $0) }
  private let user = UserID(unchecked: "user")

  private func limits(lines: Int) -> RuleLimits {
    var limits = RuleLimits.initial
    limits.orderLinesMax = lines
    return limits
  }

  private func change(_ options: inout RuntimeOptions, lines: Int) {
    options.rules = limits(lines: lines)
    options.checkpointIntervalMilliseconds = 60_000
  }

  private func add(_ item: String, to order: OrderID) -> Command {
    .orders(.addItem(order, ItemID(unchecked: item), .one, price: Money(unchecked: 1)))
  }

  private let full = RequestResult.outcome(.refused(.tooManyLines(OrderID(unchecked: "a"))), isReplayed: false)

  private func total(_ cents: Int64) -> RequestResult {
    .outcome(.total(Money(unchecked: cents)), isReplayed: false)
  }

  /// Without checkpoints: what was accepted under higher limits is accepted by the replay of an owner with lower ones.
  @Test func aReplayDecidesAsBefore() throws {
    let log = MemoryRecordLog(partitionCount: 1)
    let first = try OwnerBench(partitions: 1, log: log) { change(&$0, lines: 2) }
    _ = try first.submit(.orders(.create(orders[0], user: user, .random)))
    for item in ["apple", "pear"] { _ = try first.submit(add(item, to: orders[0])) }
    #expect(try first.submit(add("plum", to: orders[0])) == full)
    first.kill()

    // Their own limits hold as soon as they are ready.
    for (incarnation, lines, expected) in [(UInt64(2), 1, full), (3, 3, total(3)), (4, 3, full), (5, 4, total(4))] {
      let bench = try OwnerBench(partitions: 1, incarnation: incarnation, log: log) { change(&$0, lines: lines) }
      let result = try bench.submit(add("item\(incarnation)", to: orders[0]))
      #expect(result == expected, "\(incarnation): \(result) \(bench.reported)")
      bench.kill()
    }
  }

  /// The log is told of rules and limits when they change, and only then: each owner also says its last word.
  @Test func nothingIsSaidTwice() throws {
    let log = MemoryRecordLog(partitionCount: 1)
    let store = MemoryStore()
    let partition = PartitionID(.orders, 0)
    var numbers: [UInt64?] = []
    for (incarnation, lines) in [(UInt64(1), 500), (2, 500), (3, 2), (4, 2), (5, 500)] {
      let bench = try OwnerBench(partitions: 1, incarnation: incarnation, log: log, store: store) {
        $0.rules = limits(lines: lines)
      }
      bench.stop()
      numbers.append(store.contents(of: partition).header?.number)
    }
    #expect(numbers == [2, 3, 5, 6, 8])
    #expect(store.contents(of: partition).header?.limits == .initial)
  }

  /// Pods that are configured differently: the limits of each owner hold while it has the partition.
  @Test func aPartitionTakesTheLimitsOfItsOwner() throws {
    let cluster = try TestCluster(partitions: 1)
    let partition = PartitionID(.orders, 0)
    let pods = try [2, 1].map { lines in try cluster.pod { $0.rules = limits(lines: lines) } }
    defer { pods[1].kill() }
    cluster.deal(to: [pods[0]], idle: [pods[1]])
    for pod in pods { #expect(pod.waitUntilReady()) }
    func inForce() -> RuleLimits? {
      cluster.broker.controls(of: partition).last { if case .limits = $0 { true } else { false } }
        .flatMap { if case .limits(let limits) = $0 { limits } else { nil } }
    }
    #expect(eventually { inForce() == limits(lines: 2) })
    let (first, second) = (pods[0].requests, pods[1].requests)
    for order in orders { _ = try first.submit(.orders(.create(order, user: user, .random))) }
    for item in ["apple", "pear"] { _ = try second.submit(add(item, to: orders[0])) }
    #expect(try second.submit(add("plum", to: orders[0])) == full)

    cluster.deal(to: [pods[1]], idle: [pods[0]])
    #expect(eventually { inForce() == limits(lines: 1) })
    #expect(try first.submit(add("apple", to: orders[1])) == total(1))
    #expect(
      try first.submit(add("pear", to: orders[1]))
        == .outcome(.refused(.tooManyLines(orders[1])), isReplayed: false))
    #expect(try first.submit(add("pear", to: orders[0])) == total(3), "what it has it keeps")
    pods[0].stop()
  }
}
