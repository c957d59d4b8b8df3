import Audit
import Ports
import Model
import PartitionCore
import Streams
import Tenancy
import TestSupport
import Testing
import Wire

/// A log that is not read as of one moment, and that several processes write: that of a cluster, here on a folder.
@Suite struct GrowingLogTests {
  private let folder: TemporaryFolder
  private let path: String
  private let orders = PartitionID(.orders, 0)
  private let stock = PartitionID(.stock, 0)
  private let payments = PartitionID(.payments, 0)

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path + "/data"
  }

  /// A shop that sells units to one user, an order each.
  private func shop(orders count: Int) throws -> HandDrivenShop {
    let (user, item) = (UserID(unchecked: "u"), ItemID(unchecked: "i"))
    let shop = try HandDrivenShop(path: path)
    try shop.execute([
      .payments(.create(user, .random)), .payments(.addFunds(user, Money(unchecked: 100))),
      .stock(.create(item, price: Money(unchecked: 3), .random)), .stock(.add(item, Quantity(unchecked: 50))),
    ])
    for number in 0..<count {
      let order = OrderID(unchecked: "o\(number)")
      try shop.execute([
        .orders(.create(order, user: user, .random)),
        .orders(.addItem(order, item, .one, price: Money(unchecked: 3))), .orders(.checkout(order)),
      ])
    }
    return shop
  }

  private func end(of partition: PartitionID) throws -> Int64 {
    try FolderSource(path: path).offsets(of: partition).upperBound
  }

  /// Whoever was asked first knows less than those who got messages of it since: so much more is read of it, and
  /// nothing else.
  @Test func readsEachSenderThroughTheCauseOfWhatOthersGot() throws {
    try shop(orders: 1).close()
    let ends = try [orders, stock, payments].map { try end(of: $0) }
    // From here on stock and payments are read, and of orders only what comes before.
    let later = try HandDrivenShop(path: path)
    let order = OrderID(unchecked: "later")
    try later.execute([
      .orders(.create(order, user: UserID(unchecked: "u"), .random)),
      .orders(.addItem(order, ItemID(unchecked: "i"), .one, price: Money(unchecked: 3))), .orders(.checkout(order)),
    ])
    let causes = try end(of: orders)
    // What nobody has messages of is not looked at.
    try later.execute(
      (0..<20).map { .orders(.create(OrderID(unchecked: "n\($0)"), user: UserID(unchecked: "u"), .random)) })
    later.close()
    let source = try GrowingSource(path: path, firstEnds: [orders: ends[0]])
    let report = try AuditReport(auditing: source)
    #expect(report.isSound, "\(report.findings)")
    #expect(report.totals.checkouts == 2)
    let extensions = source.ranges[orders, default: []].filter { $0.lowerBound >= ends[0] }
    #expect(!extensions.isEmpty)
    let replayed = try end(of: stock) + end(of: payments)
    #expect(Int64(report.recordsReplayed) - replayed <= causes && Int64(report.recordsReplayed) - replayed > ends[0])
  }

  /// A log that ends before what others got of it says so, however often it is asked.
  @Test func findsACauseThatIsMissing() throws {
    try shop(orders: 2).close()
    let end = try end(of: orders)
    let source = try GrowingSource(path: path, firstEnds: [:], ends: [orders: end - 4])
    let report = try AuditReport(auditing: source)
    #expect(
      report.findings.contains { $0.contains("stock-0 has message 2 of orders-0, whose log causes 1 for it") },
      "\(report.findings)")
  }

  /// A producer repeats what it sent, and a zombie writes behind its successor: neither is strange there.
  @Test func recordsThatLeaveNoTraceAreNoFinding() throws {
    let shop = try shop(orders: 1)
    let owner = try #require(shop.owner(of: payments))
    try shop.append(
      [.turn(TurnRecord(owner: owner, number: 1, time: .zero, entries: []))], to: payments)
    shop.close()
    let own = try AuditReport(auditing: FolderSource(path: path))
    #expect(own.findings.contains { $0.contains("leaves no trace: its number was already counted") })
    let shared = try AuditReport(auditing: GrowingSource(path: path, firstEnds: [:]))
    #expect(shared.isSound && shared.voidRecords == own.voidRecords && shared.voidRecords > 0, "\(shared.findings)")
  }
}

/// A folder's log as if it grew while it is read.
private final class GrowingSource: AuditSource {
  private let folder: FolderSource
  private var firstEnds: [PartitionID: Int64]
  private let ends: [PartitionID: Int64]
  /// What was read.
  private(set) var ranges: [PartitionID: [Range<Int64>]] = [:]

  let isShared = true
  let isReadApart = true
  var partitioner: Partitioner { folder.partitioner }
  var headers: [PartitionID: CheckpointHeader] { folder.headers }

  /// - Parameters:
  ///   - firstEnds: where logs end when they are asked for the first time.
  ///   - ends: where they end for ever.
  init(path: String, firstEnds: [PartitionID: Int64], ends: [PartitionID: Int64] = [:]) throws {
    folder = try FolderSource(path: path)
    self.firstEnds = firstEnds
    self.ends = ends
  }

  func recovery(of partition: PartitionID) throws -> Recovery { try folder.recovery(of: partition) }
  func unsent(of partition: PartitionID) throws -> [OutboxRow] { try folder.unsent(of: partition) }
  func entities(_ keys: [EntityKey], of partition: PartitionID) throws -> [EntityChange] {
    try folder.entities(keys, of: partition)
  }
  func forEachEntity(of partition: PartitionID, _ body: (EntityKey, Entity) throws -> Void) throws {
    try folder.forEachEntity(of: partition, body)
  }
  func totals(of partition: PartitionID) throws -> (kept: StoreTotals, found: StoreTotals)? {
    try folder.totals(of: partition)
  }

  func offsets(of partition: PartitionID) throws -> Range<Int64> {
    let all = try folder.offsets(of: partition)
    let end = firstEnds.removeValue(forKey: partition) ?? ends[partition] ?? all.upperBound
    return all.lowerBound..<min(all.upperBound, end)
  }

  func forEachBatch(in ranges: [PartitionID: Range<Int64>], _ body: ([LoggedRecord]) throws -> Void) throws {
    for (partition, range) in ranges { self.ranges[partition, default: []].append(range) }
    try folder.forEachBatch(in: ranges, body)
  }
}
