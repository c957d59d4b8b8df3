import Testing

@testable import LoadGenerator

/// Runs a small load against a shop in memory and returns its report.
func report(
  _ scenario: Scenario, fault: TestShop.Fault? = nil, change: @Sendable (inout LoadConfiguration) -> Void = { _ in }
) async throws -> LoadReport {
  let shop = TestShop(fault: fault)
  let server = TestServer { shop.respond(to: $0) }
  defer { server.stop() }
  var configuration = LoadConfiguration(scenario: scenario, url: server.url)
  configuration.connections = 4
  configuration.warmupSeconds = 0
  // All orders, however slow the machine is.
  configuration.seconds = scenario.usesOrdersUp ? 300 : 0.2
  configuration.users = 20
  configuration.items = 10
  configuration.orders = 200
  // Every test that needs a processor runs at the same time: a slow answer is no lost one.
  configuration.requestTimeoutSeconds = 60
  configuration.runSecondsMax = 240
  change(&configuration)
  let made = configuration
  return try await onThread { try LoadRun(configuration: made).run() }
}

extension Result where Failure == any Error {
  /// What some work gives or throws.
  static func of(_ work: () async throws -> Success) async -> Self {
    do { return .success(try await work()) } catch { return .failure(error) }
  }
}

/// A value that makes no sense, and what the error has to name.
private struct Slip: Sendable {
  let name: String
  let change: @Sendable (inout LoadConfiguration) -> Void

  init(_ name: String, _ change: @escaping @Sendable (inout LoadConfiguration) -> Void) {
    self.name = name
    self.change = change
  }

  static let all: [Slip] = [
    Slip("connections") { $0.connections = 1_025 },
    Slip("rate") { $0.ratePerSecond = .nan },
    Slip("seconds") { $0.seconds = -.infinity },
    Slip("path") { $0.path = "/a b" },
    Slip("orders") { $0.orders = 0 },
    Slip("URL") { $0.url = "https://127.0.0.1:1" },
    Slip("port") { $0.url = "http://:" },
    Slip("URL") { $0.url = "http://a b" },
    Slip("port") { $0.url = "http://127.0.0.1:99999" },
  ]
}

@Suite struct LoadRunTests {
  @Test(arguments: Scenario.allCases)
  func aCorrectServerIsFoundSound(_ scenario: Scenario) async throws {
    let report = try await report(scenario)
    #expect(report.isSound, "\(report)")
    #expect(report.troubles.isEmpty)
    switch scenario {
    case .reads, .raw: #expect(report.answers > 0 && report.truth.ordersPaid == 0)
    case .scarce:
      #expect(report.truth.acknowledged == 100 && report.truth.refused == 100)
      #expect(report.statuses == [200: 100, 409: 100])
    default: #expect(report.truth.ordersPaid == 200 && report.truth.acknowledged == 200)
    }
  }

  @Test func anOpenLoopChecksTheSame() async throws {
    let report = try await report(.checkout) { $0.ratePerSecond = 2_000 }
    #expect(report.isSound, "\(report)")
    #expect(report.truth.ordersPaid == 200)
  }

  @Test(arguments: [
    (TestShop.Fault.takesStockTwice, Scenario.checkout, BrokenRule.stockNotConserved),
    (.oversells, .scarce, .oversold),
    (.chargesTwice, .checkout, .creditNotConserved),
    (.losesPayment, .checkout, .paymentLost),
    (.losesPayment, .mixed, .paymentLost),
    (.refusesWithoutReason, .scarce, .soldAfterRefusal),
    (.refusesWithoutReason, .checkout, .refusedWithoutReason),
  ])
  func aPlantedFaultIsFound(_ fault: TestShop.Fault, _ scenario: Scenario, _ rule: BrokenRule) async throws {
    let report = try await report(scenario, fault: fault) { $0.scarceStock = 150 }
    #expect(report.truth.broken[rule] ?? 0 > 0, "\(report)")
    #expect(!report.isSound)
    #expect(report.description.hasPrefix("!! "))
  }

  @Test func failedAnswersAreCountedByStatus() async throws {
    let report = try await report(.checkout, fault: .fails)
    #expect(report.failures == [.unexpectedStatus: 20])
    #expect(report.unexpectedStatuses == [500: 20])
    #expect(report.truth.isConserved && !report.isSound)
  }

  @Test func aRefusalWhereNoneIsAllowedFails() async throws {
    let report = try await report(.checkout, fault: .refusesWithoutReason)
    #expect(report.failures == [.unexpectedStatus: 20])
    #expect(report.unexpectedStatuses == [409: 20])
  }

  @Test func anOldStateAfterASuccessIsAWrongBody() async throws {
    let report = try await report(.mixed, fault: .showsOldState)
    #expect(report.failures[.wrongBody] ?? 0 > 0, "\(report)")
  }

  @Test func lostAnswersAreUnknownWithoutKeys() async throws {
    let report = try await report(.checkout, fault: .hangsUpOnce)
    #expect(report.failures[.connectionLost] ?? 0 > 0, "\(report)")
    #expect(report.truth.unknown == report.truth.unknownThatPaid && report.truth.unknown > 0)
    #expect(report.truth.isConserved && !report.isSound)
  }

  /// Two doors of one shop: the measured calls use one, all others the other.
  @Test func measuredCallsGoWhereTheyAreSent() async throws {
    let shop = TestShop()
    let checkouts = Counter()
    let pod = TestServer { request in
      if request.path[1] == "checkout" { _ = checkouts.next() }
      return shop.respond(to: request)
    }
    defer { pod.stop() }
    let gateway = TestServer { $0.path[1] == "checkout" ? .answer(500, "{}") : shop.respond(to: $0) }
    defer { gateway.stop() }
    var configuration = LoadConfiguration(scenario: .checkout, url: gateway.url)
    configuration.measuredURL = pod.url
    configuration.orders = 50
    configuration.users = 5
    configuration.items = 5
    configuration.connections = 4
    configuration.warmupSeconds = 0
    configuration.requestTimeoutSeconds = 60
    let made = configuration
    let report = try await onThread { try LoadRun(configuration: made).run() }
    #expect(report.isSound, "\(report)")
    #expect(report.truth.acknowledged == 50 && checkouts.next() == 50)
  }

  @Test func aServerThatIsNotThereIsNamed() async throws {
    let configuration = LoadConfiguration(scenario: .checkout, url: "http://127.0.0.1:1")
    let error = await #expect(throws: LoadError.self) {
      try await onThread { try LoadRun(configuration: configuration).run() }
    }
    #expect(error?.description.contains("127.0.0.1:1 ") == true)
  }

  /// The server ends in the midst of the set-up, of the checkouts, and of reading back: the run says so, soon.
  @Test(arguments: [10, 300, 500])
  func aServerThatEndsIsNamed(_ calls: Int) async throws {
    let shop = TestShop()
    let counter = Counter()
    let server = TestServer { counter.next() < calls ? shop.respond(to: $0) : .hangUp }
    defer { server.stop() }
    var configuration = LoadConfiguration(scenario: .checkout, url: server.url)
    configuration.orders = 200
    configuration.users = 20
    configuration.items = 10
    configuration.connections = 4
    configuration.warmupSeconds = 0
    configuration.requestTimeoutSeconds = 5
    let made = configuration
    let outcome = await Result.of { try await onThread { try LoadRun(configuration: made).run() } }
    switch outcome {
    case .failure(let error): #expect(calls == 10 && "\(error)".contains("connection lost"), "\(error)")
    case .success(let report): #expect(calls > 10 && report.failures[.connectionLost] ?? 0 > 0 && !report.isSound)
    }
  }

  @Test func aSetUpThatFailsIsNamed() async throws {
    let server = TestServer { _ in .answer(503, "{\"code\":\"starting\"}") }
    defer { server.stop() }
    let configuration = LoadConfiguration(scenario: .checkout, url: server.url)
    let error = await #expect(throws: LoadError.self) {
      try await onThread { try LoadRun(configuration: configuration).run() }
    }
    #expect(error?.description.contains("payment batch_init") == true)
    #expect(error?.description.contains("503 starting") == true)
  }

  @Test(arguments: Slip.all)
  private func whatIsOutOfRangeIsNamed(_ slip: Slip) {
    var configuration = LoadConfiguration(scenario: .checkout)
    slip.change(&configuration)
    let made = configuration
    let error = #expect(throws: LoadError.self) { try LoadRun(configuration: made) }
    let text = error?.description ?? ""
    #expect(text.contains(slip.name), "\(text)")
  }

  @Test func theJSONIsOneObjectWithTheFigures() async throws {
    let json = Array(try await report(.checkout).json.utf8)
    var answers: Int64?
    var isSound: Bool?
    let isObject = json.withUnsafeBufferPointer { bytes in
      var cursor = JSONCursor(bytes)
      return cursor.object { name, cursor in
        if name.isText("answers") { return cursor.integer(into: &answers) }
        if name.isText("sound") {
          isSound = cursor.boolean()
          return isSound != nil
        }
        return cursor.skipValue()
      }
    }
    #expect(isObject && answers == 200 && isSound == true)
  }
}
