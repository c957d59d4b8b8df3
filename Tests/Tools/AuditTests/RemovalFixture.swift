import Audit
import Model
import PartitionCore
import SQLite
import TestSupport
import Testing
import Wire

/// The folder of a shop that can remove old orders.
struct RemovalFixture {
  let folder: TemporaryFolder
  let path: String
  let orders = PartitionID(.orders, 0)
  let payments = PartitionID(.payments, 0)
  let user = UserID(unchecked: "u")
  let item = ItemID(unchecked: "i")
  let paid = OrderID(unchecked: "paid")
  let open = OrderID(unchecked: "open")

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path + "/data"
  }

  static let limits = {
    var limits = RuleLimits.initial
    limits.orderRetentionMilliseconds = RuleLimits.orderRetentionMillisecondsMin
    return limits
  }()

  /// A shop with an order that a checkout paid, and one that was paid by hand and never bought.
  func shop(trims: Bool = false) throws -> HandDrivenShop {
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

  func passADay(_ shop: HandDrivenShop) {
    shop.time = Timestamp(milliseconds: shop.time.milliseconds + RuleLimits.orderRetentionMillisecondsMin)
  }

  func expectSound(orders: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let report = try FolderAudit.run(path: path)
    #expect(report.isSound && report.totals.checkouts == 1, "\(report.findings)", sourceLocation: sourceLocation)
    #expect(report.totals.orders == orders, sourceLocation: sourceLocation)
  }

  func lose(_ key: EntityKey, of partition: PartitionID) throws {
    let store = try StoreFile.file.open(in: path, mode: .readWrite)
    let kind = EntityCodec.kind(of: key)
    let number = Int(partition.service.rawValue) << 12
    try store.execute(
      "DELETE FROM entities WHERE partition = \(number) AND kind = \(kind) AND key = '\(EntityCodec.text(of: key))'")
    #expect(try store.integer("SELECT changes()") == 1)
  }
}
