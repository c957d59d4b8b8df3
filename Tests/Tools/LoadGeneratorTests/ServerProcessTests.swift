import Glibc
import Model
import Testing

@testable import LoadGenerator

@Suite struct ServerProcessTests {
  @Test func whoListensIsFound() {
    let server = TestServer { _ in .hangUp }
    defer { server.stop() }
    #expect(ServerProcess.listening(onPort: server.port) == [getpid()])
    // Port 1 is nobody's here; a process of this number cannot exist.
    #expect(ServerProcess.listening(onPort: 1).isEmpty)
    #expect(ServerProcess.cpuSeconds(of: .max) == nil)
  }

  @Test func processorTimeGrowsWithWork() throws {
    let processBefore = try #require(ServerProcess.cpuSeconds(of: getpid()))
    let threadBefore = ServerProcess.ownThreadCPUSeconds()
    var random = SplitMix64(seed: 1)
    while ServerProcess.ownThreadCPUSeconds() - threadBefore < 0.1 { _ = random.next() }
    let processAfter = try #require(ServerProcess.cpuSeconds(of: getpid()))
    #expect(processAfter - processBefore >= 0.08)
  }

  @Test func addressesAreTakenApart() throws {
    let plain = try ServerAddress(url: "http://127.0.0.1:8000/")
    #expect(plain.port == 8_000 && plain.isLoopback && plain.authority == "127.0.0.1:8000")
    #expect(try ServerAddress(url: "http://127.3.2.1").port == 80)
    let six = try ServerAddress(url: "http://[::1]:9")
    #expect(six.port == 9 && six.isLoopback && six.authority == "[::1]:9")
    #expect(try !ServerAddress(url: "http://192.0.2.1:9").isLoopback)
  }

  @Test(arguments: [
    "", "127.0.0.1:8000", "http://", "http:///x", "http://a:b", "http://a:0", "http://a:65536", "http://u@a:1",
    "http://127.0.0.1:1/orders", "http://ä:1", "http://999.999.999.999:1",
  ])
  func whatIsNoAddressIsRefused(_ url: String) {
    let error = #expect(throws: LoadError.self) { try ServerAddress(url: url) }
    #expect(error?.description.contains("\"\(url)\"") == true)
  }
}

@Suite struct MixedWorkloadTests {
  /// Plays a server that does everything, and counts the calls.
  @Test func theWeightsAreAsDocumented() {
    let world = World()
    for user in 0..<5 { world.addUser(id: String(user)) }
    for item in 0..<5 { world.addItem(id: String(item), price: 10) }
    let workload = MixedWorkload(world: world, orderCountMax: 2_000, seed: 3) { 0 }
    var counts: [CallKind: Int] = [:]
    var created = 0
    while let call = workload.next() {
      counts[call.kind, default: 0] += 1
      var body = "{}"
      switch call.kind {
      case .createOrder:
        created += 1
        body = "{\"order_id\":\"\(created)\"}"
      case .findOrder:
        let order = world.orders[call.subject]
        body =
          "{\"order_id\":\"\(order.id)\",\"paid\":\(order.answer == .paid),\"items\":[],\"user_id\":\"\(order.user)\","
        body += "\"total_cost\":0}"
      default: break
      }
      let verdict = Array(body.utf8).withUnsafeBufferPointer {
        workload.settle(call, .answered(status: 200, body: $0))
      }
      #expect(verdict == .expected)
    }
    #expect(workload.isExhausted)
    #expect(counts[.createOrder] == 2_000 && counts[.addItem] == 4_000 && counts[.checkout] == 2_000)
    #expect((1_800...2_200).contains(counts[.findOrder] ?? 0))
    #expect(world.orders.allSatisfy { $0.answer == .paid && Set($0.lines.map(\.item)).count == 2 })
  }
}
