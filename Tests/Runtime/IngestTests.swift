import Model
import Ports
import TestSupport
import Testing

@testable import Runtime

/// Owners that take commands from ingest logs, with everything else in memory.
@Suite struct IngestTests {
  private let item = ItemID(unchecked: "thing")

  private func stock(_ pod: PodBench) throws -> Int64? {
    guard case .view(.item(let view)) = try pod.requests.ask(.item(item)) else { return nil }
    return view?.available.value
  }

  /// An item, then `count` commands that add one unit, some that are refused, and one that is none.
  private func logs(_ partition: PartitionID, count: Int) -> MemoryIngestLogs {
    let logs = MemoryIngestLogs()
    logs.append(.stock(.create(item, price: .zero, .derived)), to: partition)
    for number in 0..<count {
      logs.append(.stock(.add(item, .one)), to: partition)
      if number % 10 == 0 { logs.append(.stock(.subtract(item, Quantity(unchecked: 1_000_000))), to: partition) }
    }
    logs.append(nil, to: partition)
    return logs
  }

  @Test func eachCommandTakesEffectOnceAcrossOwnersThatDie() throws {
    let cluster = try TestCluster()
    let partition = cluster.partitioner.partition(of: item)
    let logs = logs(partition, count: 300)
    let feeds = [MemoryIngest(logs), MemoryIngest(logs), MemoryIngest(logs)]
    let pods = try feeds.map { try cluster.pod(ingest: $0) }
    defer { for pod in pods.dropFirst() { pod.stop(handoverMilliseconds: 0) } }
    cluster.deal(to: [pods[0]], idle: [pods[1], pods[2]])
    #expect(pods[0].waitUntilReady())
    #expect(eventually { (try? stock(pods[1])) ?? 0 > 20 }, "some were taken")
    pods[0].kill()
    cluster.pods.forget(pods[0].incarnation)
    cluster.deal(to: [pods[1]], idle: [pods[2]])
    #expect(eventually { (try? stock(pods[2])) == 300 })
    #expect(eventually { logs.refused(of: partition).count == 31 }, "\(logs.refused(of: partition))")
    #expect(feeds[2].followed.isEmpty, "only owners read")
    // In order, too: the next owner reads nothing again.
    cluster.deal(to: [pods[2]], idle: [pods[1]])
    #expect(eventually { feeds[1].followed.isEmpty && feeds[2].followed.contains(partition) })
    #expect(try stock(pods[1]) == 300)
  }
}
