import Audit
import Foundation
import LoadGenerator
import Model
import PartitionCore
import Ports
import SQLite
import Server
import Settings
import Telemetry
import TestSupport
import Testing

/// Data folders that get more partitions: of real servers after a load, and of owners moved by hand.
@Suite struct FolderGrowthTests {
  private let folder: TemporaryFolder
  private let path: String

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path + "/data"
  }

  /// A server sells for a moment, and stops in order.
  private func serve(_ partitions: Int) throws {
    var settings = ServeSettings()
    settings.http.port = 0
    settings.operatorPort.port = 0
    settings.dataFolder = path
    settings.lanes = 2
    settings.partitions = partitions
    let server = try EmbeddedServer(
      settings, version: "test", journal: Log(level: .error, clock: { 0 }, write: { _ in }))
    defer { server.stop() }
    #expect(server.waitUntilReady(milliseconds: 10_000))
    var configuration = LoadConfiguration(scenario: .scarce, url: "http://\(server.httpEndpoint)")
    configuration.connections = 16
    configuration.warmupSeconds = 0
    configuration.seconds = 0.5
    configuration.users = 50
    configuration.items = 50
    configuration.orders = 300
    configuration.usesIdempotencyKeys = true
    let report = try LoadRun(configuration: configuration).run()
    #expect(report.isSound, "\(report.troubles)")
  }

  /// The folder is sound, and no entity was lost, found or changed since.
  @discardableResult
  private func audited(like before: AuditTotals? = nil) throws -> AuditTotals {
    let report = try FolderAudit.run(path: path)
    #expect(report.isSound, "\(report.findings)")
    if let before {
      #expect(report.totals.orders == before.orders && report.totals.paidOrders == before.paidOrders)
      #expect(report.totals.items == before.items && report.totals.users == before.users)
      #expect(report.totals.checkouts == before.checkouts && report.totals.moneyTaken == before.moneyTaken)
      #expect(report.totals.unitsSold == before.unitsSold)
    }
    return report.totals
  }

  @Test func aShopSellsOnWithMorePartitionsAndAgain() throws {
    try serve(4)
    let first = try audited()
    #expect(first.checkouts > 0)
    var seen: [FolderGrowth.Step] = []
    let report = try #require(try FolderGrowth.run(path: path, to: 8) { seen.append($0) })
    #expect(report.from == 4 && report.to == 8 && !report.isResumed)
    #expect(report.rows.moved > 0 && report.rows.copied > 0 && report.rows.seen > report.rows.moved)
    #expect(seen.first == .checked && seen.suffix(4) == [.moved, .announced, .stored, .logged])
    try audited(like: first)
    try serve(8)
    let second = try audited()
    #expect(second.checkouts > first.checkouts)
    _ = try #require(try FolderGrowth.run(path: path, to: 24))
    try audited(like: second)
    try serve(24)
    #expect(try audited().checkouts > second.checkouts)
    #expect(try FolderGrowth.run(path: path, to: 24) == nil)
  }

  @Test func aFolderThatWasNeverOpenGrows() throws {
    _ = try DataFolder(path: path, partitionCount: 2, files: [LogFile.file, StoreFile.file])
    _ = try #require(try FolderGrowth.run(path: path, to: 4))
    try audited()
    try serve(4)
    #expect(try audited().checkouts > 0)
  }

  // MARK: By hand

  private let user = UserID(unchecked: "u")
  private let item = ItemID(unchecked: "i")
  private let orders = (0..<16).map { OrderID(unchecked: "o\($0)") }

  private func key(_ text: String) -> IdempotencyToken {
    IdempotencyToken(key: IdempotencyKey(unchecked: text), fingerprint: 7)
  }

  /// Buys with every order; funds and checkouts have keys.
  private func buyEverything(_ shop: HandDrivenShop) throws {
    try shop.execute([
      .payments(.create(user, .random)), .stock(.create(item, price: Money(unchecked: 3), .random)),
      .stock(.add(item, Quantity(unchecked: 500))),
    ])
    try shop.execute(.payments(.addFunds(user, Money(unchecked: 1_000))), under: key("funds"))
    for order in orders {
      try shop.execute([
        .orders(.create(order, user: user, .random)), .orders(.addItem(order, item, .one, price: Money(unchecked: 3))),
      ])
      try shop.execute(.orders(.checkout(order)), under: key("checkout-\(order.text)"))
    }
  }

  private func closed(_ partitions: Int) throws {
    let shop = try HandDrivenShop(path: path, partitionCount: partitions)
    try buyEverything(shop)
    try shop.checkpoint()
    shop.close()
  }

  private func entity(_ key: EntityKey, of partition: PartitionID) throws -> Entity? {
    try SQLiteStoreReader(path: path).entity(key, of: partition)
  }

  /// Repetitions find their keys where they arrive, and change nothing; attempts go on from where they were.
  @Test func keysAndAttemptsAreKept() throws {
    try closed(2)
    let before = try SQLiteStoreReader(path: path).headers()
    _ = try FolderGrowth.run(path: path, to: 8)
    let to = try #require(Partitioner(count: 8))
    for header in try SQLiteStoreReader(path: path).headers() where header.partition.service == .orders {
      let source = before.first { $0.partition == PartitionID(.orders, header.partition.index % 2) }
      #expect(header.ledger.attempts == source?.ledger.attempts && header.now == source?.now)
    }
    for order in orders {
      let place = to.partition(of: order)
      #expect(try entity(.order(order), of: place) != nil)
      #expect(try entity(.idempotency(key("checkout-\(order.text)").key), of: place) != nil)
    }
    let shop = try HandDrivenShop(path: path, partitionCount: 8, run: 8)
    try shop.execute(.payments(.addFunds(user, Money(unchecked: 1_000))), under: key("funds"))
    for order in orders { try shop.execute(.orders(.checkout(order)), under: key("checkout-\(order.text)")) }
    let late = OrderID(unchecked: "late")
    try shop.execute([
      .orders(.create(late, user: user, .random)), .orders(.addItem(late, item, .one, price: Money(unchecked: 3))),
      .orders(.checkout(late)),
    ])
    try shop.checkpoint()
    shop.close()
    #expect(try audited().checkouts == 17)
    guard case .user(let account)? = try entity(.user(user), of: to.partition(of: user)),
      case .order(let order)? = try entity(.order(late), of: to.partition(of: late))
    else {
      Issue.record("user or order are not where they belong")
      return
    }
    #expect(account.deposited == Money(unchecked: 1_000) && account.spent == Money(unchecked: 51))
    #expect(order.status == .paid)
  }

  // MARK: Refusals

  private func refusal(_ count: Int = 4) -> String {
    do { _ = try FolderGrowth.run(path: path, to: count) } catch { return "\(error)" }
    return ""
  }

  @Test func refusesAFolderInUse() throws {
    let shop = try HandDrivenShop(path: path, partitionCount: 2)
    #expect(refusal().contains("is used by another process"))
    shop.close()
    #expect(refusal(3) == "3 is not a multiple of the 2 partitions that the shop has; possible counts: 4, 6, 8, 10")
    #expect(FileManager.default.fileExists(atPath: folder.path + "/none") == false)
  }

  @Test func refusesALogThatIsNotInTheStore() throws {
    let shop = try HandDrivenShop(path: path, partitionCount: 2)
    shop.time = Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
    try buyEverything(shop)
    shop.close()
    #expect(refusal().contains("of its log are not in the store yet; start the shop"), "\(refusal())")
    try serve(2)
    #expect(refusal().isEmpty)
    try audited()
  }

  @Test func refusesACheckoutUnderWay() throws {
    let shop = try HandDrivenShop(path: path, partitionCount: 2)
    try buyEverything(shop)
    shop.deaf = [PartitionID(.payments, 0), PartitionID(.payments, 1)]
    let open = OrderID(unchecked: "open")
    try shop.execute([
      .orders(.create(open, user: user, .random)), .orders(.addItem(open, item, .one, price: Money(unchecked: 3))),
      .orders(.checkout(open)),
    ])
    try shop.checkpoint()
    shop.close()
    #expect(refusal().contains("messages have not arrived; start the shop without callers"), "\(refusal())")
    try audited()
    // Without the message the rows tell it, too.
    let store = try StoreFile.file.open(in: path, mode: .readWrite)
    try store.execute("DELETE FROM outbox")
    #expect(!refusal().isEmpty)
  }

  @Test func refusesAStoreWhoseRowsWereChanged() throws {
    try closed(2)
    let store = try StoreFile.file.open(in: path, mode: .readWrite)
    try store.execute("DELETE FROM entities WHERE kind = 1 AND key = 'o3'")
    #expect(refusal().contains("its rows are not the ones that its checkpoint left"), "\(refusal())")
    #expect(try DataFolder.readFormat(path, files: []).partitionCount == 2)
  }

  // MARK: Cut short

  private static let steps: [FolderGrowth.Step] = [.checked, .rows(1), .moved, .announced, .stored, .logged]

  /// Killed at each step: the folder has the old count and is sound, or is refused until it was run again.
  @Test(arguments: 0..<6) func whateverCutsItShort(_ place: Int) async throws {
    try closed(2)
    let before = try audited()
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String, place = place as Int] in
      _ = try FolderGrowth.run(path: path, to: 4) { step in
        let isReached =
          if case .rows = step, case .rows = FolderGrowthTests.steps[place] { true } else {
            step == FolderGrowthTests.steps[place]
          }
        if isReached { kill(getpid(), SIGKILL) }
      }
    }
    let isAnnounced = place >= 3
    #expect(((try? DataFolder.readFormat(path, files: [])) == nil) == isAnnounced)
    if isAnnounced {
      let told = #expect(throws: DataFolderFailure.self) { try FolderAudit.run(path: path) }
      #expect(told?.description.contains("kassa grow --data \(path) --partitions 4") == true)
      #expect(throws: DataFolderFailure.self) { _ = try HandDrivenShop(path: path, partitionCount: 2) }
    } else {
      try audited(like: before)
    }
    let isStored = place >= 4
    if isStored { #expect(refusal(8).contains("run this with --partitions 4 first")) }
    let report = try #require(try FolderGrowth.run(path: path, to: 4))
    #expect(report.isResumed == isStored)
    try audited(like: before)
    let shop = try HandDrivenShop(path: path, partitionCount: 4, run: 8)
    try shop.execute(.payments(.addFunds(user, Money(unchecked: 1_000))), under: key("funds"))
    try shop.checkpoint()
    shop.close()
    try audited(like: before)
  }

  /// One that was cut short before the store had it may as well go elsewhere.
  @Test func anotherCountAfterAnAnnouncement() throws {
    try closed(2)
    let before = try audited()
    do {
      let data = try DataFolder(growing: path, files: [LogFile.file, StoreFile.file])
      try data.grow(to: 4)
    }
    #expect(throws: DataFolderFailure.self) { try FolderAudit.run(path: path) }
    #expect(try FolderGrowth.run(path: path, to: 6)?.isResumed == false)
    #expect(try DataFolder.readFormat(path, files: []).partitionCount == 6)
    try audited(like: before)
  }
}
