import Foundation
import HTTPServer
import Model
import Testing

@testable import RestAPI

/// A pod of a part of the services.
@Suite struct ServedServicesTests {
  private let requests: [(line: String, service: Service)] = [
    ("GET /orders/find/o1", .orders), ("POST /orders/checkout/o1", .orders), ("POST /orders/addItem/o1/i1", .orders),
    ("POST /orders/batch_init/1/1/1/1", .orders), ("GET /stock/find/i1", .stock), ("POST /stock/add/i1/3", .stock),
    ("POST /stock/batch_init/1/1/1", .stock), ("POST /payment/create_user", .payments),
    ("GET /payment/status/u1/o1", .payments), ("POST /payment/pay/u1/3", .payments),
  ]

  @Test(arguments: [[.stock], [.orders, .payments], [], [.orders, .stock, .payments]] as [Set<Service>])
  func answersItsOwnRoutesOnly(_ services: Set<Service>) {
    let bench = Bench(services: services)
    for (line, service) in requests {
      let answer = bench.send(line).response
      #expect(services.contains(service) == (answer == nil), "\(line)")
      #expect(answer == nil || answer?.status == 421)
    }
    for line in ["GET /", "GET /openapi.json", "GET /problems", "HEAD /"] { #expect(bench.now(line).status == 200) }
    #expect(bench.now("GET /stock").status == 404)
  }

  @Test func saysWhoseThePathIs() throws {
    for (services, detail) in [
      ([.stock], "This pod serves stock; the path belongs to orders."),
      ([.stock, .payments], "This pod serves stock and payments; the path belongs to orders."),
      ([], "This pod takes no requests; the path belongs to orders."),
    ] as [(Set<Service>, String)] {
      let answer = Bench(services: services).now("GET /orders/find/o1")
      let body = try #require(try JSONSerialization.jsonObject(with: Data(answer.body)) as? [String: Any])
      #expect(body["detail"] as? String == detail && body["code"] as? String == "misdirected_request")
      #expect(body["service"] as? String == "orders" && answer.contentType.description == "application/problem+json")
      #expect(answer.header("Retry-After") == nil)
    }
  }

  /// Whoever sends to the wrong pod should learn that first.
  @Test func comesBeforeMethodsAndParameters() {
    let bench = Bench(services: [.stock])
    for line in ["POST /orders/find/o1", "GET /orders/find/o$", "POST /payment/pay/u1/x"] {
      #expect(bench.now(line).status == 421)
    }
    #expect(bench.now("POST /stock/find/i1").status == 405)
  }

  @Test func theDocumentDescribesAll() {
    #expect(Bench(services: [.stock]).now("GET /openapi.json").body == Bench().now("GET /openapi.json").body)
  }

  @Test func everyRouteIsSomebodys() {
    let everybodys = Route.all.filter { $0.service == nil }.map(\.template.description)
    #expect(everybodys == ["/", "/openapi.json", "/problems"] && Route.unmatched.service == nil)
  }
}
