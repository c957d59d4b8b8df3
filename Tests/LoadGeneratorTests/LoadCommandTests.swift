import Testing

@testable import LoadGenerator

@Suite struct LoadCommandTests {
  private func message(_ line: String) -> String {
    do throws(LoadError) {
      _ = try LoadCommand(arguments: line.split(separator: " ").map(String.init))
      return ""
    } catch {
      return error.description
    }
  }

  @Test func everyOptionIsTaken() throws {
    let line =
      "hot --url http://127.0.0.1:9 --connections 7 --rate=12.5 --arrivals fixed --seconds 3 --warmup 0 --orders 9 "
      + "--users 8 --items 6 --scarce-stock 4 --path /x --seed 5 --idempotency-keys --timeout 2 --server-pid 3 --json "
      + "--allow-failures"
    for option in LoadCommand.options { #expect(line.contains(option.name)) }
    let command = try LoadCommand(arguments: line.split(separator: " ").map(String.init))
    let configuration = command.configuration
    #expect(configuration.scenario == .hot && configuration.url == "http://127.0.0.1:9")
    #expect(configuration.connections == 7 && configuration.ratePerSecond == 12.5 && !configuration.hasPoissonArrivals)
    #expect(configuration.seconds == 3 && configuration.warmupSeconds == 0 && configuration.requestTimeoutSeconds == 2)
    #expect(configuration.orders == 9 && configuration.users == 8 && configuration.items == 6)
    #expect(configuration.scarceStock == 4 && configuration.seed == 5 && configuration.path == "/x")
    #expect(configuration.usesIdempotencyKeys && configuration.serverPID == 3)
    #expect(command.printsJSON && command.allowsFailures)
  }

  @Test(
    arguments: [
      ("", "name a scenario: checkout, hot"),
      ("--json", "name a scenario"),
      ("warm", "\"warm\" is no scenario"),
      ("hot --speed 3", "\"--speed\" is no option of bench"),
      ("hot --orders", "--orders needs a value"),
      ("hot --orders many", "--orders \"many\" is not a whole number"),
      ("hot --seed -1", "--seed \"-1\" is not a whole number"),
      ("hot --arrivals daily", "--arrivals \"daily\" is not poisson or fixed"),
      ("hot --json=yes", "--json takes no value"),
      ("hot --connections 5000", "connections is 5000"),
      ("hot --rate nan", "rate is nan"),
      ("hot --server-pid 0", "--server-pid \"0\" is not a process id"),
    ])
  func aMistakeIsNamed(_ line: String, _ expected: String) {
    #expect(message(line).contains(expected), "\(message(line))")
  }

  @Test func aRunThatIsNotSoundExitsWithOne() async throws {
    for fault in [nil, TestShop.Fault.fails] {
      for allowed in [false, true] {
        let shop = TestShop(fault: fault)
        let server = TestServer { shop.respond(to: $0) }
        defer { server.stop() }
        let line = "checkout --url \(server.url) --orders 40 --users 3 --items 3 --warmup 0 --connections 2"
        let words = line.split(separator: " ").map(String.init) + (allowed ? ["--allow-failures"] : [])
        let result = try await onThread { try LoadCommand(arguments: words).run() }
        #expect(result.exitCode == (fault == nil || allowed ? 0 : 1))
        #expect(result.output.contains("!! 4 calls failed: 4 × unexpected status (4 × 500)") == (fault != nil))
      }
    }
  }
}
