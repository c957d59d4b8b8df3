import Foundation
import Testing

@testable import Server
@testable import Peers

@Suite struct PeersPageTests {
  @Test func tellsThisPodAndTheOthers() throws {
    let states: [(PeerState, String, String?)] = [
      (.connecting, "connecting", nil), (.connected, "connected", nil), (.silent, "silent", nil),
      (.refused(.otherCluster), "refused", "other_cluster"), (.refused(.otherVersion), "refused", "other_version"),
      (.refused(.otherPod), "refused", "other_pod"), (.refused(.replaced), "refused", "replaced"),
      (.refused(.tooMany), "refused", "too_many"),
    ]
    let statuses = states.enumerated().map {
      PeerStatus(name: "p\"\($0)", state: $1.0, queuedFrames: $0, queuedBytes: $0 * 10)
    }
    let bytes = PeersPage.bytes(
      PeerReading(isReplaced: false, statuses: statuses), PeerIdentity(name: "orders-0", incarnation: .max),
      "10.0.0.1:7000")
    let page = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    #expect(page["pod"] as? String == "orders-0" && page["incarnation"] as? String == "18446744073709551615")
    #expect(page["address"] as? String == "10.0.0.1:7000")
    #expect(page["is_replaced"] as? Bool == false)
    let rows = try #require(page["peers"] as? [[String: Any]])
    #expect(rows.map { $0["pod"] as? String } == states.indices.map { "p\"\($0)" })
    #expect(rows.map { $0["state"] as? String } == states.map(\.1))
    #expect(rows.map { $0["refusal"] as? String } == states.map(\.2))
    #expect(rows.map { $0["queued_bytes"] as? Int } == states.indices.map { $0 * 10 })
  }

  @Test func aPodMayBeAlone() throws {
    let bytes = PeersPage.bytes(
      PeerReading(isReplaced: true, statuses: []), PeerIdentity(name: "a", incarnation: 1),
      "[::1]:1")
    let page = try #require(try JSONSerialization.jsonObject(with: Data(bytes)) as? [String: Any])
    #expect((page["peers"] as? [Any])?.isEmpty == true && page["is_replaced"] as? Bool == true)
  }
}
