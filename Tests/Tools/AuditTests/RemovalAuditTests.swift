import Audit
import Model
import PartitionCore
import SQLite
import TestSupport
import Testing
import Wire

/// Folders of shops that have removed old orders.
@Suite struct RemovalAuditTests {
  private let folder: TemporaryFolder
  private let path: String
  private let (orders, payments) = (PartitionID(.orders, 0), PartitionID(.payments, 0))
  private let (user, item) = (UserID(unchecked: "u"), ItemID(unchecked: "i"))
  private let (paid, open) = (OrderID(unchecked: "paid"), OrderID(unchecked: "open"))

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path + "/data"
  }

  private static let limits = {
    var limits = RuleLimits.initial
    limits.orderRetentionMilliseconds = RuleLimits.orderRetentionMillisecondsMin
    return limits
  }()

  /// A shop with an order that a checkout paid, and one that was paid by hand and never bought.
  private func shop(trims: Bool = false) throws -> HandDrivenShop {
    var options = SQLiteLog.Options()
    if trims { options.retention = .recordsMin(0) }
    let shop = try HandDrivenShop(path: path, logs: options, limits: Self.limits)
    let price = Money(unchecked: 3)
    try shop.execute([
      .payments(.create(user, .random)), .payments(.addFunds(user, Money(unchecked: 100))),
      .stock(.create(item, price: price, .random)), .stock(.add(item, Quantity(unchecked: 5))),
      .orders(.create(paid, user: user, .random)), .orders(.addItem(paid, item, .one, price: price)),
      .orders(.checkout(paid)), .orders(.create(open, user: user, .random)),
      .payments(.pay(user, open, Money(unchecked: 7))),
    ])
    return shop
  }

  private func passADay(_ shop: HandDrivenShop) {
    shop.time = Timestamp(milliseconds: shop.time.milliseconds + RuleLimits.orderRetentionMillisecondsMin)
  }

  private func expectSound(orders: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let report = try FolderAudit.run(path: path)
    #expect(report.isSound && report.totals.checkouts == 1, "\(report.findings)", sourceLocation: sourceLocation)
    #expect(report.totals.orders == orders, sourceLocation: sourceLocation)
  }

  @Test func isSoundBeforeAndAfterASweep() throws {
    let shop = try shop()
    try expectSound(orders: 2)
    try shop.sweep([paid, open])
    try expectSound(orders: 2)
    try shop.checkpoint()
    passADay(shop)
    try shop.sweep([paid, open])
    try expectSound(orders: 0)
    try shop.checkpoint()
    try expectSound(orders: 0)
    let store = try SQLiteStoreReader(path: path)
    for order in [paid, open] { #expect(try store.entity(.payment(user, order), of: payments) == nil) }
    guard case .user(let account)? = try store.entity(.user(user), of: payments) else {
      Issue.record("there is no user")
      return
    }
    #expect(account.credit.value == 90 && account.spent.value == 10 && account.spentWithoutOrder.value == 7)
    shop.close()
    // Whoever takes over goes on from there.
    let next = try HandDrivenShop(path: path, run: 8, limits: Self.limits)
    try next.sweep([paid])
    try next.checkpoint()
    next.close()
    try expectSound(orders: 0)
  }

  @Test func isSoundBehindATrimmedLog() throws {
    let shop = try shop(trims: true)
    passADay(shop)
    try shop.sweep([paid, open])
    try shop.checkpoint()
    try shop.trim()
    shop.close()
    try expectSound(orders: 0)
    #expect(try FolderAudit.run(path: path).partitionsTrimmed == 3)
  }

  /// The message is in the store, or caused by the log's tail: an audit delivers it.
  @Test(arguments: [false, true]) func isSoundWhileAPaymentIsNotForgottenYet(isCheckpointed: Bool) throws {
    let shop = try shop()
    try shop.checkpoint()
    passADay(shop)
    shop.deaf = [payments]
    try shop.sweep([paid, open])
    if isCheckpointed { try shop.checkpoint() }
    shop.close()
    #expect(try SQLiteStoreReader(path: path).entity(.payment(user, paid), of: payments) != nil)
    try expectSound(orders: 0)
  }

  // MARK: What is missing otherwise

  private func lose(_ key: EntityKey, of partition: PartitionID) throws {
    let store = try StoreFile.file.open(in: path, mode: .readWrite)
    let kind = EntityCodec.kind(of: key)
    let number = Int(partition.service.rawValue) << 12
    try store.execute(
      "DELETE FROM entities WHERE partition = \(number) AND kind = \(kind) AND key = '\(EntityCodec.text(of: key))'")
    #expect(try store.integer("SELECT changes()") == 1)
  }

  /// The checkpoint says what its rows add up to, and it counts what sweeps removed.
  @Test func findsAnOrderThatNoSweepRemoved() throws {
    let shop = try shop()
    try shop.checkpoint()
    passADay(shop)
    try shop.sweep([open])
    try shop.checkpoint()
    shop.close()
    try expectSound(orders: 1)
    try lose(.order(paid), of: orders)
    let report = try FolderAudit.run(path: path)
    #expect(report.findings.contains { $0.hasPrefix("orders-0: its checkpoint left 1 orders") }, "\(report.findings)")
  }

  /// A payment that was lost before its order was removed is never forgotten: nobody can count it. That shows even when
  /// all later checkpoints add up.
  @Test func findsAPaymentThatWasLostBeforeItsOrderWasRemoved() throws {
    let first = try shop()
    try first.checkpoint()
    first.close()
    try lose(.payment(user, paid), of: payments)
    let second = try HandDrivenShop(path: path, run: 8, limits: Self.limits)
    second.time = first.time
    passADay(second)
    try second.sweep([paid])
    try second.checkpoint()
    second.close()
    let report = try FolderAudit.run(path: path)
    #expect(
      report.findings.contains("removed orders: paid ones at orders, forgotten payments: 1 and 0"),
      "\(report.findings)")
    #expect(report.findings.contains("money of removed orders: at orders, at payments: 3 and 0"), "\(report.findings)")
  }
}
