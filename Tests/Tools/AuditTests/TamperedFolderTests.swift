import Audit
import Ports
import Model
import PartitionCore
import SQLite
import Streams
import Tenancy
import TestSupport
import Testing
import Wire

/// What was planted in a folder is found by the finding that names it.
@Suite struct TamperedFolderTests {
  private let folder: TemporaryFolder
  private let path: String
  private let orders = PartitionID(.orders, 0)
  private let stock = PartitionID(.stock, 0)
  private let payments = PartitionID(.payments, 0)
  private let user = UserID(unchecked: "u")
  private let item = ItemID(unchecked: "i")

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path + "/data"
  }

  private var cart: [Command] {
    let order = OrderID(unchecked: "o")
    return [
      .payments(.create(user, .random)), .payments(.addFunds(user, Money(unchecked: 100))),
      .stock(.create(item, price: Money(unchecked: 3), .random)), .stock(.add(item, Quantity(unchecked: 5))),
      .orders(.create(order, user: user, .random)), .orders(.addItem(order, item, .one, price: Money(unchecked: 3))),
    ]
  }
  private var checkout: Command { .orders(.checkout(OrderID(unchecked: "o"))) }

  /// A shop that sold one unit, and still runs.
  private func shop() throws -> HandDrivenShop {
    let shop = try HandDrivenShop(path: path)
    try shop.execute(cart + [checkout])
    return shop
  }

  private func spoil(_ file: DatabaseFile, _ statement: String) throws {
    let database = try file.open(in: path, mode: .readWrite)
    try database.execute(statement)
    #expect(try database.integer("SELECT changes()") ?? 0 > 0)
  }

  /// Takes records out of the log, and closes the gaps.
  private func cut(_ condition: String) throws {
    let database = try LogFile.file.open(in: path, mode: .readWrite)
    for statement in [
      "DELETE FROM records WHERE \(condition)",
      """
      CREATE TABLE kept AS SELECT partition, row_number() OVER (PARTITION BY partition ORDER BY sequence) - 1 AS offset,
        body, sequence FROM records ORDER BY sequence
      """,
      "DELETE FROM records",
      "INSERT INTO records SELECT row_number() OVER (ORDER BY sequence), partition, offset, body FROM kept",
    ] { try database.execute(statement) }
  }

  /// Takes all records out of the log, as an owner does once the store has what they led to.
  private func trim() throws {
    let source = try FolderSource(path: path)
    var offsets: [UInt8] = []
    for partition in [orders, stock, payments] {
      let end = try source.offsets(of: partition).upperBound
      offsets += withUnsafeBytes(of: end.littleEndian) { Array($0) }
    }
    try spoil(LogFile.file, "INSERT INTO marks SELECT max(sequence), \(hex(offsets)) FROM records")
    try spoil(LogFile.file, "DELETE FROM records")
    try spoil(LogFile.file, "DELETE FROM marks WHERE sequence = 0")
  }

  private func hex(_ bytes: [UInt8]) -> String {
    "x'" + bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined() + "'"
  }

  private func expectFinding(_ words: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let report = try FolderAudit.run(path: path)
    #expect(
      report.findings.contains { $0.contains(words) }, "\(report.findings)", sourceLocation: sourceLocation)
  }

  private func turns(of partition: PartitionID) throws -> [TurnRecord] {
    try SQLiteLogReader(path: path).read(after: 0, limit: .max).compactMap { logged in
      guard logged.partition == partition, case .record(.turn(let turn)) = logged.content else { return nil }
      return turn
    }
  }

  // MARK: Sound folders

  @Test(arguments: [false, true]) func isSoundBeforeAnythingIsPlanted(isCheckpointed: Bool) throws {
    let shop = try shop()
    if isCheckpointed { try shop.checkpoint() }
    let report = try FolderAudit.run(path: path)
    #expect(report.isSound && report.totals.checkouts == 1 && report.totals.unitsSold == 1, "\(report.findings)")
    #expect(report.partitionsCompared == (isCheckpointed ? 3 : 0) && report.voidRecords == 0)
    #expect((report.recordsReplayed == 0) == isCheckpointed)
    shop.close()
  }

  @Test func isSoundWhenItsOwnersChanged() throws {
    let first = try shop()
    try first.checkpoint(orders)
    first.close()
    let second = try HandDrivenShop(path: path, run: 8)
    try second.execute([.payments(.addFunds(user, Money(unchecked: 1)))])
    try second.checkpoint()
    second.close()
    let report = try FolderAudit.run(path: path)
    #expect(report.isSound && report.partitionsCompared == 3, "\(report.findings)")
  }

  /// Messages that nobody received yet are in the store, or are caused by the tail: all checkouts end the same.
  @Test(arguments: [PartitionID(.stock, 0), PartitionID(.payments, 0), PartitionID(.orders, 0)], [false, true])
  func deliversWhatIsUnderWay(_ deaf: PartitionID, isCheckpointed: Bool) throws {
    let shop = try HandDrivenShop(path: path)
    try shop.execute(cart)
    shop.deaf = [deaf]
    try shop.execute([checkout])
    if isCheckpointed { try shop.checkpoint() }
    shop.close()
    let report = try FolderAudit.run(path: path)
    #expect(report.isSound && report.totals.checkouts == 1 && report.totals.paidOrders == 1, "\(report.findings)")
    #expect(try ReplayedState(FolderSource(path: path)).status(of: deaf) == .running)
  }

  /// Checkpoints without owner, number and streams, and a log that begins behind them: what an upgrade leaves.
  @Test func isSoundBehindAnUpgrade() throws {
    let shop = try shop()
    try shop.checkpoint()
    shop.close()
    let source = try FolderSource(path: path)
    for partition in [orders, stock, payments] {
      let header = try #require(source.headers[partition])
      let end = try source.offsets(of: partition).upperBound
      var bytes: [UInt8] = []
      CheckpointCodec.encode(
        CheckpointHeader(
          partition: partition, offset: end - 1, now: header.now, rulesVersion: header.rulesVersion,
          limits: header.limits, dedup: [], ledger: header.ledger), into: &bytes)
      let number = Int(partition.service.rawValue) << 12
      try spoil(StoreFile.file, "UPDATE checkpoints SET header = \(hex(bytes)) WHERE partition = \(number)")
    }
    try trim()
    let upgraded = try FolderAudit.run(path: path)
    #expect(upgraded.isSound && upgraded.partitionsTotalled == 0 && upgraded.partitionsUntotalled == 3)

    let next = try HandDrivenShop(path: path, run: 8)
    let order = OrderID(unchecked: "p")
    try next.execute([
      .orders(.create(order, user: user, .random)), .orders(.addItem(order, item, .one, price: Money(unchecked: 3))),
      .orders(.checkout(order)),
    ])
    for isCheckpointed in [false, true] {
      if isCheckpointed { try next.checkpoint() }
      let report = try FolderAudit.run(path: path)
      #expect(report.isSound && report.partitionsTrimmed == 3 && report.totals.checkouts == 2, "\(report.findings)")
      #expect(report.partitionsTotalled == (isCheckpointed ? 3 : 0), "the next checkpoint counts what is there")
    }
    next.close()
  }

  @Test func deliversToAPartitionThatNobodyOwnedYet() throws {
    let log = try SQLiteLog(
      folder: DataFolder(path: path, partitionCount: 1, files: [LogFile.file, StoreFile.file]))
    let owner = OwnerID(epoch: 1, run: 7)
    let owned = try #require(Owner(epoch: 1, incarnation: 7, address: "here"))
    let inputs = (cart.suffix(2) + [checkout]).enumerated().map { number, command in
      LoggedInput(
        origin: nil,
        body: .command(
          ClientCommand(
            request: RequestID(incarnation: 1, lane: 0, number: UInt64(number)), idempotency: nil, trace: nil,
            command: command)))
    }
    let turn = TurnRecord(owner: owner, number: 1, time: Timestamp(milliseconds: 1), entries: inputs)
    log.append(
      [.owned(owned), .turn(turn)].map { RecordAppend(partition: orders, record: $0) }, by: 0, expecting: [])
    log.turnEnded(by: 0)
    log.close()
    let state = try ReplayedState(FolderSource(path: path))
    guard case .order(let order)? = try state.entity(.order(OrderID(unchecked: "o")), of: orders) else {
      Issue.record("there is no order")
      return
    }
    #expect(order.status == .open && order.attempt == 1, "refused, because there is no such item")
    #expect(state.appliedOffset(of: orders) == 2 && state.appliedOffset(of: stock) == 1)
  }

  // MARK: The store

  @Test func findsAChangedBalance() throws {
    let shop = try shop()
    try shop.checkpoint()
    shop.close()
    guard case .user(var row)? = try SQLiteStoreReader(path: path).entity(.user(user), of: payments) else {
      Issue.record("there is no user")
      return
    }
    row.credit = Money(unchecked: 1_000)
    var bytes: [UInt8] = []
    EntityCodec.encode(.user(row), into: &bytes)
    try spoil(
      StoreFile.file, "UPDATE entities SET body = \(hex(bytes)) WHERE partition = 2 << 12 AND key = 'u'")
    try expectFinding("user u got 100, spent 3, and has 1000")
    try expectFinding("payments-0: the store at offset")
  }

  /// A shop whose log has no records any more. Besides the cart's it has a user v, an open order p and a key k.
  private func trimmedShop() throws {
    let shop = try shop()
    let other = UserID(unchecked: "v")
    try shop.execute([
      .payments(.create(other, .random)), .orders(.create(OrderID(unchecked: "p"), user: other, .random)),
    ])
    let key = IdempotencyToken(key: IdempotencyKey(unchecked: "k"), fingerprint: 7)
    try shop.execute(.payments(.addFunds(other, Money(unchecked: 50))), under: key)
    try shop.checkpoint()
    shop.close()
    try trim()
    let report = try FolderAudit.run(path: path)
    #expect(report.isSound && report.partitionsTrimmed == 3 && report.partitionsCompared == 0, "\(report.findings)")
    #expect(report.partitionsTotalled == 3 && report.partitionsUntotalled == 0)
  }

  @Test(
    arguments: [
      ("partition = 2 << 12 AND kind = 4 AND key = 'v'", "payments-0: its checkpoint left 2 users, 1 payments, 1 keys"),
      ("partition = 2 << 12 AND kind = 6", "payments-0: its checkpoint left 2 users, 1 payments, 1 keys"),
      ("partition = 0 AND kind = 1 AND key = 'p'", "orders-0: its checkpoint left 2 orders"),
    ])
  func findsARowThatWasLostBehindATrimmedLog(_ row: String, _ words: String) throws {
    try trimmedShop()
    try spoil(StoreFile.file, "DELETE FROM entities WHERE \(row)")
    let report = try FolderAudit.run(path: path)
    #expect(report.findings.count == 1 && report.findings[0].hasPrefix(words), "\(report.findings)")
  }

  /// Each account is right by itself, and their sums are what they were.
  @Test func findsMoneyThatWasMovedBehindATrimmedLog() throws {
    try trimmedShop()
    for (name, difference) in [("u", Int64(10)), ("v", -10)] {
      let stored = try SQLiteStoreReader(path: path).entity(.user(UserID(unchecked: name)), of: payments)
      guard case .user(var row)? = stored else {
        Issue.record("there is no user \(name)")
        return
      }
      row.credit = Money(unchecked: row.credit.value + difference)
      row.deposited = Money(unchecked: row.deposited.value + difference)
      var bytes: [UInt8] = []
      EntityCodec.encode(.user(row), into: &bytes)
      try spoil(
        StoreFile.file, "UPDATE entities SET body = \(hex(bytes)) WHERE partition = 2 << 12 AND key = '\(name)'")
    }
    let report = try FolderAudit.run(path: path)
    #expect(report.findings.count == 1, "\(report.findings)")
    try expectFinding("payments-0: its checkpoint left 2 users")
  }

  @Test func findsAMessageThatTheStoreLost() throws {
    try keepAMessage()
    try spoil(StoreFile.file, "DELETE FROM outbox")
    try expectFinding("stock-0 has 0 messages of orders-0, which caused 1 for it and does not keep the next one")
    try expectFinding("the checkout of order o never ends")
  }

  @Test func findsAMessageThatTheStoreMadeUp() throws {
    try keepAMessage()
    var bytes: [UInt8] = []
    StreamMessageCodec.encode(.commit(AttemptID(order: OrderID(unchecked: "o"), number: 1)), into: &bytes)
    try spoil(StoreFile.file, "UPDATE outbox SET body = \(hex(bytes))")
    try expectFinding("orders-0: the store keeps 1 messages that the log did not cause in this form")
  }

  /// A checkout whose first message is in the store, and in no log.
  private func keepAMessage() throws {
    let shop = try HandDrivenShop(path: path)
    try shop.execute(cart)
    shop.deaf = [stock]
    try shop.execute([checkout])
    try shop.checkpoint()
    shop.close()
    #expect(try FolderAudit.run(path: path).isSound)
  }

  /// A shop that sold one unit to a user whose account was begun anew since.
  private func shopOfARenewedUser() throws -> HandDrivenShop {
    let shop = try HandDrivenShop(path: path)
    let (order, batch) = (OrderID(unchecked: "o"), UserBatch(numbers: 0..<1, credit: Money(unchecked: 10)))
    try shop.execute([
      .payments(.batchInit(batch)), .stock(.create(item, price: Money(unchecked: 3), .random)),
      .stock(.add(item, Quantity(unchecked: 5))), .orders(.create(order, user: UserID(unchecked: "0"), .random)),
      .orders(.addItem(order, item, .one, price: Money(unchecked: 3))), checkout, .payments(.batchInit(batch)),
    ])
    return shop
  }

  /// Money paid by hand since may stand where the checkout's did; nothing else may be missing.
  @Test(arguments: [false, true]) func findsALostPaymentOfARenewedUser(isPaidAgain: Bool) throws {
    let shop = try shopOfARenewedUser()
    if isPaidAgain {
      try shop.execute([
        .payments(.pay(UserID(unchecked: "0"), OrderID(unchecked: "o"), Money(unchecked: 2)))
      ])
    }
    try shop.checkpoint()
    shop.close()
    let report = try FolderAudit.run(path: path)
    #expect(report.isSound, "\(report.findings)")
    try spoil(StoreFile.file, "DELETE FROM entities WHERE partition = 2 << 12 AND kind = 5")
    try expectFinding("order o is paid and no money was taken from user 0")
  }

  @Test func findsAPaymentOfAnotherCheckout() throws {
    let shop = try shop()
    try shop.checkpoint()
    shop.close()
    let key = EntityKey.payment(user, OrderID(unchecked: "o"))
    guard case .payment(var row)? = try SQLiteStoreReader(path: path).entity(key, of: payments) else {
      Issue.record("there is no payment")
      return
    }
    row.attempt += 1
    var bytes: [UInt8] = []
    EntityCodec.encode(.payment(row), into: &bytes)
    try spoil(StoreFile.file, "UPDATE entities SET body = \(hex(bytes)) WHERE partition = 2 << 12 AND kind = 5")
    try expectFinding("order o was paid by its checkout \(row.attempt - 1), and the money taken by \(row.attempt)")
  }

  @Test func findsACheckpointThatCountsOtherwise() throws {
    let shop = try shop()
    try shop.checkpoint()
    shop.close()
    let header = try #require(try FolderSource(path: path).headers[stock])
    let changed = CheckpointHeader(
      partition: header.partition, owner: header.owner, number: header.number, offset: header.offset, now: header.now,
      rulesVersion: header.rulesVersion, limits: header.limits, ledger: header.ledger, received: [],
      caused: header.caused)
    var bytes: [UInt8] = []
    CheckpointCodec.encode(changed, into: &bytes)
    try spoil(StoreFile.file, "UPDATE checkpoints SET header = \(hex(bytes)) WHERE partition = 1 << 12")
    try expectFinding("stock-0: the checkpoint at offset \(header.offset) has another time, rules, accounts")
    try expectFinding("stock-0 has 0 messages of orders-0, which caused 1 for it")
  }

  // MARK: The log

  /// Number and offset are those that a lost record would leave, so that only its number tells.
  @Test func findsALostRecord() throws {
    let shop = try shop()
    shop.close()
    try cut("partition = 2 << 12 AND offset = 2")
    try expectFinding("payments-0 stops at offset 2: offset 2: record 3 comes where 2 is expected")
  }

  @Test func refusesALogWithAHole() throws {
    let shop = try shop()
    shop.close()
    try spoil(LogFile.file, "DELETE FROM records WHERE sequence = 6")
    let failure = #expect(throws: LogFailure.self) { try FolderAudit.run(path: path) }
    #expect(failure?.message.contains("record 7 does not follow the one before") == true, "\(failure as Any)")
  }

  /// What others received was caused by records that are not there any more.
  @Test func findsTheLostEndOfALog() throws {
    let shop = try shop()
    shop.close()
    let turns = try turns(of: orders)
    let causing = try #require(turns.firstIndex { $0.entries.contains { isCheckout($0.body) } })
    try cut("partition = 0 AND offset > \(causing)")
    let report = try FolderAudit.run(path: path)
    #expect(
      report.findings.contains("stock-0 has message 1 of orders-0, whose log causes 0 for it"), "\(report.findings)")
  }

  private func isCheckout(_ body: LoggedInput.Body) -> Bool {
    if case .command(let command) = body { command.command == checkout } else { false }
  }

  @Test(arguments: [false, true]) func findsARecordOfAnotherRun(isCheckpointed: Bool) throws {
    let shop = try shop()
    let owner = try #require(shop.owner(of: payments))
    let planted = TurnRecord(
      owner: OwnerID(epoch: owner.epoch, run: 99), number: shop.number(of: payments) + 1, time: .zero, entries: [])
    let offset = try #require(try shop.append([.turn(planted)], to: payments).first)
    try shop.execute([.payments(.addFunds(user, Money(unchecked: 1)))])
    if isCheckpointed { try shop.checkpoint() }
    shop.close()
    try expectFinding(
      "payments-0: record \(planted.number) of 1@63 at offset \(offset) leaves no trace: another run owns this epoch")
    let report = try FolderAudit.run(path: path)
    #expect(report.voidRecords == 1 && report.findings.count == 1, "it leaves no trace indeed: \(report.findings)")
    let record = try FolderSource(path: path).record(at: offset, of: payments)
    #expect(record?.standing == .void(.otherRun))
  }

  @Test func findsADoubledRecord() throws {
    let shop = try shop()
    let newest = try #require(try turns(of: payments).last)
    let offset = try #require(try shop.append([.turn(newest)], to: payments).first)
    shop.close()
    try expectFinding(
      "payments-0: record \(newest.number) of 1@7 at offset \(offset) leaves no trace: its number was already counted")
    #expect(try FolderAudit.run(path: path).totals.moneyTaken == 3)
  }

  @Test func findsARecordOfAFormerOwner() throws {
    let first = try shop()
    let former = try #require(first.owner(of: payments))
    first.close()
    let second = try HandDrivenShop(path: path, run: 8)
    let planted = TurnRecord(owner: former, number: second.number(of: payments) + 1, time: .zero, entries: [])
    try second.append([.turn(planted)], to: payments)
    second.close()
    try expectFinding("leaves no trace: it belongs to an older epoch")
  }

  /// The owner of a store that was set back does that, and then takes a higher one.
  @Test func leavesAnEpochAloneThatWasTaken() throws {
    let shop = try shop()
    try shop.append([.owned(try #require(Owner(epoch: 1, incarnation: 8, address: "here")))], to: payments)
    shop.close()
    let report = try FolderAudit.run(path: path)
    #expect(report.isSound && report.voidRecords == 1, "\(report.findings)")
  }

  @Test func saysWhatARecordCountsFor() throws {
    let shop = try shop()
    try shop.checkpoint()
    shop.close()
    func standing(_ offset: Int64) throws -> JudgedRecord.Standing? {
      try FolderSource(path: path).record(at: offset, of: payments)?.standing
    }
    #expect(try standing(0) == .counted && standing(1) == .counted && standing(99) == nil)
    try LogFile.file.open(in: path, mode: .readWrite)
      .execute("UPDATE records SET body = x'ff' WHERE partition = 2 << 12 AND offset = 1")
    guard case .broken(at: 1, let reason)? = try standing(2) else {
      Issue.record("\(try standing(2) as Any)")
      return
    }
    #expect(reason.contains("cannot be decoded"))
  }

  @Test func namesTheNextStepForALogOfTheVersionBefore() throws {
    try shop().close()
    try LogFile.file.open(in: path, mode: .readWrite).execute("PRAGMA user_version = 1")
    let failure = #expect(throws: LogFailure.self) { try FolderAudit.run(path: path) }
    #expect(failure?.message.contains("start it once with kassa serve --data \(path)") == true, "\(failure as Any)")
  }
}
