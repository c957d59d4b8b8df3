import Testing

@testable import LoadGenerator

@Suite struct LoadCommandTests {
  @Test func everyOptionIsTaken() throws {
    let values = [
      "url": "http://127.0.0.1:9", "connections": "7", "rate": "12.5", "arrivals": "fixed", "seconds": "3",
      "warmup": "0", "orders": "9", "users": "8", "items": "6", "scarce-stock": "4", "path": "/x", "seed": "5",
      "timeout": "2", "server-pid": "3", "measured-url": "http://127.0.0.1:8",
      "api-key-file": "/keys/load",
    ]
    let switches: Set = ["idempotency-keys", "json", "allow-failures"]
    #expect(Set(LoadCommand.options.map(\.name)) == switches.union(values.keys))
    let command = try LoadCommand(scenario: "hot", values: values, switches: switches)
    let configuration = command.configuration
    #expect(configuration.scenario == .hot && configuration.url == "http://127.0.0.1:9")
    #expect(configuration.measuredURL == "http://127.0.0.1:8")
    #expect(configuration.connections == 7 && configuration.ratePerSecond == 12.5 && !configuration.hasPoissonArrivals)
    #expect(configuration.seconds == 3 && configuration.warmupSeconds == 0 && configuration.requestTimeoutSeconds == 2)
    #expect(configuration.orders == 9 && configuration.users == 8 && configuration.items == 6)
    #expect(configuration.scarceStock == 4 && configuration.seed == 5 && configuration.path == "/x")
    #expect(configuration.usesIdempotencyKeys && configuration.serverPID == 3)
    #expect(command.apiKeyFile == "/keys/load")
    #expect(command.printsJSON && command.allowsFailures)
  }

  @Test(
    arguments: [
      ("orders", "many", "--orders cannot be 'many': expected a whole number"),
      ("seed", "-1", "--seed cannot be '-1': expected a whole number"),
      ("arrivals", "daily", "--arrivals cannot be 'daily': expected poisson or fixed"),
      ("connections", "5000", "connections is 5000"),
      ("rate", "nan", "rate is nan"),
      ("rate", "fast", "--rate cannot be 'fast': expected a number"),
      ("server-pid", "0", "--server-pid cannot be '0': expected a process id"),
    ])
  func aMistakeIsNamed(_ option: String, _ value: String, _ expected: String) {
    let error = #expect(throws: LoadError.self) {
      try LoadCommand(scenario: "hot", values: [option: value], switches: [])
    }
    #expect(error?.description.hasPrefix(expected) == true, "\(error?.description ?? "")")
  }

  @Test func anAPIKeyIsOneWord() throws {
    var command = try LoadCommand(scenario: "hot", values: [:], switches: [])
    try command.use(apiKeyText: " load.secret\r\n")
    #expect(command.configuration.apiKey == "load.secret")
    for text in ["", "\n", "two words", "é", String(repeating: "k", count: 257)] {
      var other = command
      #expect(throws: LoadError.self) { try other.use(apiKeyText: text) }
    }
  }

  @Test func anUnknownScenarioIsNamed() {
    let error = #expect(throws: LoadError.self) { try LoadCommand(scenario: "warm", values: [:], switches: []) }
    #expect(error?.description.hasPrefix("'warm' is not a scenario: checkout, hot") == true)
  }

  @Test func aRunThatIsNotSoundIsNotAccepted() async throws {
    for fault in [nil, TestShop.Fault.fails] {
      for allowed in [false, true] {
        let shop = TestShop(fault: fault)
        let server = TestServer { shop.respond(to: $0) }
        defer { server.stop() }
        let values = [
          "url": server.url, "orders": "40", "users": "3", "items": "3", "warmup": "0", "connections": "2",
        ]
        let result = try await onThread {
          try LoadCommand(scenario: "checkout", values: values, switches: allowed ? ["allow-failures"] : []).run()
        }
        #expect(result.isAccepted == (fault == nil || allowed))
        #expect(result.output.contains("!! 4 calls failed: 4 × unexpected status (4 × 500)") == (fault != nil))
      }
    }
  }
}
