import Lanes
import Model
import Peers
import Postgres
import Settings
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Server

@Suite struct PodWatchTests {
  private func podSettings(_ database: String) -> ServeSettings {
    ServerTests.podSettings {
      $0.cluster.services = .stock
      $0.cluster.postgresStock = database
    }
  }

  @Test func tellsOfADatabaseThatGoesAndComesBack() throws {
    let server = try PostgresServer()
    let open = try OpenPod(podSettings(server.connection(to: server.makeDatabase())))
    let journal = Journal()
    #expect(eventually { open.pod.stores[.stock]?.status.isConnected == true })
    let watch = try PodWatch(open.pod, journal.log, lookMilliseconds: 20) {}
    server.crash()
    #expect(eventually { journal.contains("unavailable", "PostgreSQL \(server.folder)") }, "\(journal.all)")
    try server.start()
    #expect(eventually { journal.contains("available again", "PostgreSQL \(server.folder)") }, "\(journal.all)")
    watch.end()
    open.pod.abandon()
  }

  @Test func tellsOfAPodThatCannotBeReached() throws {
    let open = try OpenPod(podSettings("host=/nowhere dbname=x"))
    try open.start()
    let journal = Journal()
    let watch = try PodWatch(open.pod, journal.log, lookMilliseconds: 20) {}
    try open.pod.mesh.follow([PeerAddress(name: "other", host: "127.0.0.1", port: 1)])
    #expect(eventually { journal.contains("unavailable", "pod other", "not connected") }, "\(journal.all)")
    #expect(eventually { journal.contains("unavailable", "PostgreSQL /nowhere") }, "\(journal.all)")
    watch.end()
    open.end()
  }

  @Test func theOlderOfTwoPodsOfANameIsTold() throws {
    let older = try OpenPod(podSettings("host=/nowhere dbname=x"), incarnation: 1)
    let newer = try OpenPod(podSettings("host=/nowhere dbname=x"), incarnation: 2)
    let third = try OpenPod(
      ServerTests.podSettings {
        $0.cluster.pod = "third"
        $0.cluster.role = .api
      })
    let address = PeerAddress(name: "third", host: "127.0.0.1", port: third.pod.mesh.port)
    let all = [older, newer, third]
    for open in all { try open.start() }
    let journal = Journal()
    let isTold = Atomic<Int>(0)
    let watch = try PodWatch(older.pod, journal.log, lookMilliseconds: 20) {
      isTold.add(1, ordering: .relaxed)
    }
    try newer.pod.mesh.follow([address])
    #expect(eventually { newer.pod.mesh.statuses.map(\.state) == [.connected] })
    try older.pod.mesh.follow([address])
    #expect(eventually { isTold.load(ordering: .relaxed) == 1 })
    #expect(eventually { journal.contains("a newer pod has this one's name", "pod-0") })
    watch.end()
    #expect(isTold.load(ordering: .relaxed) == 1)
    for open in all { open.end() }
  }
}
