import Foundation
import Model
import Ports
import Testing

@testable import Server

@Suite struct OwnersPageTests {
  @Test func tellsPodsAndOwners() throws {
    var snapshot = OwnershipSnapshot()
    let first = PodAnnouncement(
      name: "p\"1", incarnation: .max, host: "10.0.0.1", port: 7000, operatorAddress: "10.0.0.1:9000",
      services: [.stock, .orders], role: .owner)
    let second = PodAnnouncement(name: "p0", incarnation: 5, host: "10.0.0.2", port: 7000, role: .api)
    for pod in [first, second] { _ = snapshot.apply(.pod(pod)) }
    let owners: [(UInt16, UInt64, OwnerAnnouncement.State)] = [
      (2, .max, .open), (0, 5, .full), (1, 4, .stopped), (3, 5, .replaying),
    ]
    for (index, incarnation, state) in owners {
      _ = snapshot.apply(
        .owner(
          OwnerAnnouncement(partition: PartitionID(.stock, index), epoch: 3, incarnation: incarnation, state: state)))
    }
    let bytes = OwnersPage.bytes(snapshot, partitionCount: 4)
    let page = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    #expect(page["partition_count"] as? Int == 4)
    let pods = try #require(page["pods"] as? [[String: Any]])
    #expect(pods.map { $0["pod"] as? String } == ["p\"1", "p0"])
    #expect(pods.map { $0["incarnation"] as? String } == ["18446744073709551615", "5"])
    #expect(pods.map { $0["operator"] as? String } == ["10.0.0.1:9000", nil])
    #expect(pods.map { $0["role"] as? String } == ["owner", "api"])
    #expect(pods[0]["services"] as? [String] == ["orders", "stock"])
    let rows = try #require(page["owners"] as? [[String: Any]])
    #expect(rows.map { $0["partition"] as? String } == ["stock-0", "stock-1", "stock-2", "stock-3"])
    #expect(rows.map { $0["pod"] as? String } == ["p0", nil, "p\"1", "p0"])
    #expect(rows.map { $0["state"] as? String } == ["full", "stopped", "open", "replaying"])
    #expect(rows.allSatisfy { $0["epoch"] as? Int == 3 })
  }
}
