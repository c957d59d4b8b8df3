import Audit
import Model
import PartitionCore
import SQLite
import TestSupport
import Testing

/// What a folder's log has of single requests.
@Suite(.serialized) struct RequestTraceTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/data" }
  private let user = UserID(unchecked: "u")
  private let item = ItemID(unchecked: "i")
  private let order = OrderID(unchecked: "o")
  private let key = IdempotencyToken(key: IdempotencyKey(unchecked: "k"), fingerprint: 1)

  init() throws { folder = try TemporaryFolder() }

  private func money(_ value: Int64) -> Money { Money(unchecked: value) }

  /// Seven commands: requests 1 to 7 of run 1.
  private func shop(logs options: SQLiteLog.Options = .init()) throws -> HandDrivenShop {
    let shop = try HandDrivenShop(path: path, logs: options)
    try shop.execute([
      .payments(.create(user, .random)), .payments(.addFunds(user, money(50))),
      .stock(.create(item, price: money(9), .random)), .stock(.add(item, Quantity(unchecked: 3))),
      .orders(.create(order, user: user, .random)),
      .orders(.addItem(order, item, Quantity(unchecked: 2), price: money(9))),
    ])
    try shop.execute(.orders(.checkout(order)), under: key)
    return shop
  }

  private func trace(_ subject: RequestTrace.Subject) throws -> RequestTrace {
    try RequestTrace(of: subject, in: try FolderSource(path: path))
  }

  private func request(_ number: UInt64) -> RequestID { RequestID(incarnation: 1, lane: 0, number: number) }

  /// What the only command that was found got.
  private func reply(_ trace: RequestTrace) throws -> Reply {
    let finding = try #require(trace.findings.first)
    #expect(trace.findings.count == 1)
    guard case .outcome(let reply)? = finding.reply else {
      Issue.record("\(finding)")
      return Reply(request: request(0), outcome: .done)
    }
    return reply
  }

  @Test func aRequestIsFoundWithItsOutcome() throws {
    try shop().close()
    for (number, outcome) in [(2, Outcome.done), (4, .done), (6, .total(money(18))), (7, .done)] as [(UInt64, Outcome)]
    {
      let trace = try trace(.request(request(number)))
      #expect(try reply(trace) == Reply(request: request(number), outcome: outcome))
      #expect(trace.findings[0].standing == .counted && trace.shortened.isEmpty)
    }
    // Another run's, lane's or request's is none.
    for other in [
      RequestID(incarnation: 2, lane: 0, number: 2), RequestID(incarnation: 1, lane: 1, number: 2), request(8),
    ] { #expect(try trace(.request(other)).findings.isEmpty) }
  }

  @Test func refusalsAndRepetitionsAreTold() throws {
    let shop = try shop()
    try shop.execute(.orders(.checkout(order)), under: key)
    try shop.execute([.payments(.pay(user, nil, money(1_000)))])
    shop.close()
    #expect(try reply(trace(.request(request(8)))).isReplayed)
    #expect(try reply(trace(.request(request(9)))).outcome == .refused(.notEnoughCredit(user)))
    let trace = try trace(.key(key.key))
    #expect(trace.findings.map(\.request) == [request(7), request(8)])
  }

  /// All steps of its checkout, in stock and payments too, where no request is named.
  @Test func anOrdersHistory() throws {
    try shop().close()
    let trace = try trace(.order(order))
    #expect(Set(trace.findings.map(\.partition.service)) == Set(Service.allCases))
    #expect(trace.findings.compactMap(\.request) == [request(5), request(6), request(7)])
    #expect(try self.trace(.order(OrderID(unchecked: "p"))).findings.isEmpty)
  }

  /// What a checkpoint has, and the log no longer: the store still knows the key.
  @Test func whatWasTrimmedIsSaid() throws {
    var options = SQLiteLog.Options()
    options.retention = .recordsMin(0)
    let shop = try shop(logs: options)
    try shop.checkpoint()
    try shop.trim()
    shop.close()
    let trace = try trace(.key(key.key))
    #expect(trace.findings.isEmpty && !trace.shortened.isEmpty)
    #expect(trace.keptKeys.map(\.record.outcome) == [.done])
    #expect(try self.trace(.request(request(7))).findings.isEmpty)
  }

  /// A checkout that waits for another partition has no outcome yet.
  @Test func whatIsUnderWayHasNone() throws {
    let shop = try HandDrivenShop(path: path)
    shop.deaf = [PartitionID(.stock, 0)]
    try shop.execute([
      .orders(.create(order, user: user, .random)),
      .orders(.addItem(order, item, Quantity(unchecked: 2), price: money(9))), .orders(.checkout(order)),
    ])
    shop.close()
    let finding = try #require(try trace(.request(request(3))).findings.first)
    #expect(finding.reply == nil && finding.standing == .counted)
  }
}
