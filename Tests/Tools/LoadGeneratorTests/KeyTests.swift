import Testing

@testable import LoadGenerator

@Suite struct KeyTests {
  @Test(arguments: [TestShop.Fault.hangsUpOnce, .refusesOnce])
  func whatIsLostIsRepeatedUnderItsKey(_ fault: TestShop.Fault) async throws {
    let report = try await report(.checkout, fault: fault) {
      $0.usesIdempotencyKeys = true
      $0.keepsHistory = true
    }
    #expect(report.isSound, "\(report)")
    // Nearly every tenth of 200; a repetition may itself be the tenth, and is spared.
    #expect(report.retries >= 5)
    #expect(report.truth.acknowledged == 200 && report.truth.unknown == 0)
    #expect(report.keys?.equal == 200 && report.keys?.marked == 200)
    #expect(report.history.count == 200)
    #expect(report.history.allSatisfy { $0.status == 200 && $0.key > 0 && $0.started <= $0.ended })
    #expect(report.history.contains { $0.tries > 1 })
  }

  @Test func aForgottenKeyIsFound() async throws {
    let report = try await report(.mixed, fault: .forgetsKeys) { $0.usesIdempotencyKeys = true }
    #expect(report.keys?.different ?? 0 >= 200, "\(report)")
    #expect(!report.isSound)
  }

  @Test func aRunOutlivesAServerThatIsAwayForAWhile() async throws {
    let shop = TestShop()
    let turns = Counter()
    let server = TestServer { request in
      // From the 150th checkout on every connection is cut, until 100 requests have met that.
      if request.path[1] == "checkout", (150..<250).contains(turns.next()) { return .hangUp }
      return shop.respond(to: request)
    }
    defer { server.stop() }
    var configuration = LoadConfiguration(scenario: .checkout, url: server.url)
    configuration.orders = 400
    configuration.users = 5
    configuration.items = 5
    configuration.connections = 16
    configuration.warmupSeconds = 0
    // All orders, however slow the machine is.
    configuration.seconds = 300
    configuration.usesIdempotencyKeys = true
    let made = configuration
    let report = try await onThread { try LoadRun(configuration: made).run() }
    #expect(report.isSound, "\(report)")
    #expect(report.retries == 100 && report.truth.acknowledged == 400)
  }

  @Test func triesAreBounded() async throws {
    let shop = TestShop()
    let server = TestServer { request in
      request.path[1] == "checkout" ? .hangUp : shop.respond(to: request)
    }
    defer { server.stop() }
    var configuration = LoadConfiguration(scenario: .checkout, url: server.url)
    configuration.orders = 8
    configuration.users = 2
    configuration.items = 2
    configuration.connections = 4
    configuration.warmupSeconds = 0
    configuration.seconds = 300
    configuration.usesIdempotencyKeys = true
    configuration.triesMax = 3
    let made = configuration
    let report = try await onThread { try LoadRun(configuration: made).run() }
    #expect(report.failures == [.connectionLost: 8])
    #expect(report.retries == 16)
    #expect(report.truth.unknown == 8 && report.truth.isConserved)
  }

  @Test func aDigestTellsAnswersApart() {
    func digest(_ status: UInt16, _ body: String) -> UInt64 {
      Array(body.utf8).withUnsafeBufferPointer { KeyBook.digest(status: status, body: $0) }
    }
    #expect(digest(200, "{\"order_id\":\"a\"}") != digest(200, "{\"order_id\":\"b\"}"))
    #expect(digest(200, "") != digest(201, ""))
    let refusal = "{\"code\":\"out_of_stock\",\"item_id\":\"1\",\"request_id\":\"x\"}"
    #expect(digest(409, refusal) == digest(409, "{\"code\":\"out_of_stock\",\"item_id\":\"1\",\"request_id\":\"y\"}"))
    #expect(digest(409, refusal) != digest(409, "{\"code\":\"out_of_stock\",\"item_id\":\"2\"}"))
    #expect(digest(409, refusal) != digest(409, "{\"code\":\"out_of_credit\",\"item_id\":\"1\"}"))
  }
}
