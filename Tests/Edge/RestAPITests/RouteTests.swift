import Foundation
import HTTPServer
import Model
import Testing

@testable import RestAPI

/// One request a line, what becomes of it behind the arrow: a status with code and parameter, or what is submitted.
@Suite struct RouteTests {
  @Test(arguments: [
    // Refusals of paths.
    "GET /nothing → 404 not_found",
    "GET /problems/ → 404 not_found",
    "POST /problems → 405 method_not_allowed",
    "GET /orders → 404 not_found",
    "GET /orders/ → 404 not_found",
    "GET /orders/find → 404 not_found",
    "GET /orders/find/ → 404 not_found",
    "GET /orders/find/o1/ → 404 not_found",
    "GET //orders/find/o1 → 404 not_found",
    "GET /orders//find/o1 → 404 not_found",
    "GET /orders/find/o1/more → 404 not_found",
    "GET /Orders/find/o1 → 404 not_found",
    "GET orders/find/o1 → 404 not_found",
    "GET  → 404 not_found",
    "GET /a/b/c/d/e/f/g/h/i → 404 not_found",
    "GET /./orders/find/o1 → 404 not_found",
    "GET /../orders/find/o1 → 404 not_found",
    "GET /orders/find/% → 400 malformed_path",
    "GET /orders/find/%4 → 400 malformed_path",
    "GET /orders/find/%zz → 400 malformed_path",
    "GET /orders/find/%2f → 400 malformed_path",
    "GET /orders/find/%00 → 400 malformed_path",
    "GET /orders/find/%2E%2E → 400 malformed_path",
    "GET /nothing/%ff → 400 malformed_path",
    "GET /orders/find/a%20b → 400 malformed_path",
    "GET /orders/find/a.b → 400 malformed_id order_id",
    "GET /orders/find/a+b → 400 malformed_id order_id",
    "GET /orders/find/é → 400 malformed_id order_id",
    // Refusals of methods.
    "POST /orders/find/o1 → 405 method_not_allowed",
    "GET /orders/checkout/o1 → 405 method_not_allowed",
    "POST /orders/remove/o1 → 405 method_not_allowed",
    "DELETE /payment/status/u1/o1 → 405 method_not_allowed",
    "PUT /stock/item/create/1 → 405 method_not_allowed",
    "PATCH /stock/item/create/1 → 405 method_not_allowed",
    "OPTIONS /stock/find/i1 → 405 method_not_allowed",
    "BREW /stock/find/i1 → 405 method_not_allowed",
    "HEAD /payment/create_user → 405 method_not_allowed",
    // Refusals of parameters.
    "POST /orders/create/u$ → 400 malformed_id user_id",
    "POST /orders/addItem/o$/i1 → 400 malformed_id order_id",
    "POST /orders/addItem/o1/i$ → 400 malformed_id item_id",
    "POST /orders/addItem/o1/i1/0 → 400 amount_out_of_range quantity",
    "POST /orders/addItem/o1/i1/-1 → 400 malformed_amount quantity",
    "POST /orders/addItem/o1/i1/+1 → 400 malformed_amount quantity",
    "POST /orders/addItem/o1/i1/5.5 → 400 malformed_amount quantity",
    "POST /orders/addItem/o1/i1/5. → 400 malformed_amount quantity",
    "POST /orders/addItem/o1/i1/.0 → 400 malformed_amount quantity",
    "POST /orders/addItem/o1/i1/5.0.0 → 400 malformed_amount quantity",
    "POST /orders/addItem/o1/i1/0.0 → 400 amount_out_of_range quantity",
    "POST /orders/items/o1/i1/1 → 405 method_not_allowed",
    "DELETE /orders/items/o1/i1/1 → 405 method_not_allowed",
    "PUT /orders/addItem/o1/i1/1 → 405 method_not_allowed",
    "PUT /orders/items/o1/i1 → 404 not_found",
    "PUT /orders/items/o$/i1/1 → 400 malformed_id order_id",
    "PUT /orders/items/o1/i$/1 → 400 malformed_id item_id",
    "PUT /orders/items/o1/i1/x → 400 malformed_amount quantity",
    "PUT /orders/items/o1/i1/9007199254740992 → 400 amount_out_of_range quantity",
    "POST /orders/addItem/o1/i1/1e3 → 400 malformed_amount quantity",
    "POST /orders/addItem/o1/i1/9007199254740992 → 400 amount_out_of_range quantity",
    "POST /stock/item/create/9007199254740992 → 400 amount_out_of_range price",
    "POST /stock/item/create/99999999999999999999999999 → 400 amount_out_of_range price",
    "POST /stock/item/create/0x10 → 400 malformed_amount price",
    "POST /stock/add/i1/x → 400 malformed_amount amount",
    "POST /stock/subtract/i1/-5 → 400 malformed_amount amount",
    "POST /payment/add_funds/u1/１ → 400 malformed_amount amount",
    "POST /payment/pay/u1/x → 400 malformed_amount amount",
    "POST /payment/pay/u1/o1/x → 400 malformed_amount amount",
    "POST /payment/pay/u1/o$/1 → 400 malformed_id order_id",
    "POST /orders/batch_init/x/1/1/1 → 400 malformed_amount n",
    "POST /orders/batch_init/10000001/1/1/1 → 400 amount_out_of_range n",
    "POST /orders/batch_init/1/0/1/1 → 400 amount_out_of_range n_items",
    "POST /orders/batch_init/1/1/0/1 → 400 amount_out_of_range n_users",
    "POST /orders/batch_init/1/1/1/4503599627370496 → 400 amount_out_of_range item_price",
    "POST /stock/batch_init/10000001/1/1 → 400 amount_out_of_range n",
    "POST /stock/batch_init/1/x/1 → 400 malformed_amount starting_stock",
    "POST /payment/batch_init/1/x → 400 malformed_amount starting_money",
    // The older dialect.
    "POST /orders/addItem/o1/i1 → orders-3 addItem o1 i1 1 at 7",
    "POST /payment/pay/u1/o1/5 → payments-0 pay u1 o1 5",
    "POST /payment/cancel/u1/o1 → payments-0 cancel u1 o1",
    "POST /payment/status/u1/o1 → ask payment u1 o1",
    "DELETE /orders/removeItem/o1/i1 → orders-3 removeItem o1 i1",
    "DELETE /orders/remove/o1 → orders-3 remove o1",
    // The newer one.
    "POST /orders/addItem/o1/i1/3 → orders-3 addItem o1 i1 3 at 7",
    "POST /payment/pay/u1/5 → payments-0 pay u1 - 5",
    // Written as a float.
    "POST /orders/addItem/o1/i1/3.0 → orders-3 addItem o1 i1 3 at 7",
    "POST /payment/add_funds/u1/5.00 → payments-0 addFunds u1 5",
    // A quantity that is set.
    "PUT /orders/items/o1/i1/3 → orders-3 setItem o1 i1 3 at 7",
    "PUT /orders/items/o1/i1/0 → orders-3 setItem o1 i1 0 at 0",
    "PUT /orders/items/o1/gone/0 → orders-3 setItem o1 gone 0 at 0",
    // Both.
    "POST /orders/create/u1 → orders-4 create 100000002000000-u1 random",
    "GET /orders/find/o1 → ask order o1",
    "GET /orders/items/o1 → ask order o1",
    "HEAD /orders/items/o1 → ask order o1",
    "POST /orders/items/o1 → 405 method_not_allowed",
    "GET /orders/items/o$ → 400 malformed_id order_id",
    "HEAD /orders/find/o1 → ask order o1",
    "GET /%6frders/fin%64/%6F1 → ask order o1",
    "POST /orders/checkout/o1 → orders-3 checkout o1",
    "POST /stock/item/create/9007199254740991 → stock-4 create 9007199254740991 random",
    "POST /stock/item/create/0 → stock-4 create 0 random",
    "GET /stock/find/i1 → ask item i1",
    "POST /stock/add/i1/007 → stock-4 add i1 7",
    "POST /stock/subtract/i1/0 → stock-4 subtract i1 0",
    "POST /payment/create_user → payments-4 create random",
    "GET /payment/find_user/u1 → ask user u1",
    "POST /payment/add_funds/u1/5 → payments-0 addFunds u1 5",
    "GET /payment/status/u1/o1 → ask payment u1 o1",
  ])
  func route(_ line: String) throws {
    let parts = line.components(separatedBy: " → ")
    let bench = Bench()
    bench.prices.prices[ItemID(unchecked: "i1")] = Money(unchecked: 7)
    let (_, response) = bench.send(parts[0])
    #expect(Self.describe(response, bench) == parts[1])
  }

  static func describe(_ response: HTTPResponse?, _ bench: Bench) -> String {
    if let response {
      let problem = (try? JSONDecoder().decode(ProblemBody.self, from: Data(response.body)))
      return ["\(response.status)", problem?.code, problem?.parameter].compactMap { $0 }.joined(separator: " ")
    }
    if let question = bench.port.questions.first {
      switch question.query {
      case .order(let id): return "ask order \(id)"
      case .item(let id): return "ask item \(id)"
      case .user(let id): return "ask user \(id)"
      case .payment(let user, let order): return "ask payment \(user) \(order)"
      }
    }
    guard let submission = bench.port.submissions.first else { return "nothing" }
    return "\(submission.partition) \(describe(submission.command))"
  }

  private static func describe(_ command: Command) -> String {
    switch command {
    case .orders(.create(let id, let user, let freshness)): "create \(id)-\(user) \(freshness)"
    case .orders(.remove(let id)): "remove \(id)"
    case .orders(.addItem(let order, let item, let quantity, let price)):
      "addItem \(order) \(item) \(quantity) at \(price)"
    case .orders(.setItem(let order, let item, let quantity, let price)):
      "setItem \(order) \(item) \(quantity) at \(price)"
    case .orders(.removeItem(let order, let item)): "removeItem \(order) \(item)"
    case .orders(.checkout(let id)): "checkout \(id)"
    case .stock(.create(_, let price, let freshness)): "create \(price) \(freshness)"
    case .stock(.add(let item, let quantity)): "add \(item) \(quantity)"
    case .stock(.subtract(let item, let quantity)): "subtract \(item) \(quantity)"
    case .payments(.create(_, let freshness)): "create \(freshness)"
    case .payments(.addFunds(let user, let money)): "addFunds \(user) \(money)"
    case .payments(.pay(let user, let order, let money)): "pay \(user) \(order?.text ?? "-") \(money)"
    case .payments(.cancel(let user, let order)): "cancel \(user) \(order)"
    case .orders(.batchInit), .stock(.batchInit), .payments(.batchInit): "batchInit"
    case .orders(.sweep): "sweep, which no client can send"
    }
  }

  @Test func allowNamesTheMethods() {
    let bench = Bench()
    #expect(bench.now("GET /orders/checkout/o1").header("Allow") == "POST")
    #expect(bench.now("PUT /orders/find/o1").header("Allow") == "GET, HEAD")
    #expect(bench.now("PUT /payment/status/u/o").header("Allow") == "GET, HEAD, POST")
    #expect(bench.now("POST /orders/remove/o1").header("Allow") == "DELETE")
    #expect(bench.now("POST /orders/items/o1/i1/1").header("Allow") == "PUT")
    for line in ["OPTIONS /", "OPTIONS *"] {
      let answer = bench.now(line)
      #expect(answer.status == 204 && answer.body.isEmpty && answer.header("Allow") == "GET, HEAD, OPTIONS")
    }
    #expect(bench.now("POST /openapi.json").header("Allow") == "GET, HEAD")
  }

  @Test func theDocumentIsAtEachSpellingOfItsPath() {
    let bench = Bench()
    #expect(bench.now("GET /op%65n%61pi.json").body == bench.now("GET /openapi.json").body)
    #expect(bench.now("GET /openapi.json/").status == 404)
    #expect(bench.now("GET /openapi.json/%zz").status == 400)
  }

  @Test func idsHaveAtMost64Characters() {
    let bench = Bench()
    let longest = String(repeating: "a", count: 64)
    #expect(bench.send("GET /orders/find/\(longest)").response == nil)
    #expect(bench.now("GET /orders/find/\(longest)a").status == 400)
    #expect(bench.now("GET /" + String(repeating: "a", count: 1_024)).status == 414)
  }
}

struct ProblemBody: Decodable {
  let type: String
  let title: String
  let status: Int
  let detail: String
  let instance: String
  let code: String
  let request_id: String
  let parameter: String?
  let order_id: String?
  let item_id: String?
  let user_id: String?
  let find_out: String?
}
