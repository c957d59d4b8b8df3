import Foundation
import Model
import PartitionCore
import Postgres
import Ports
import TestSupport
import Testing

/// What the store keeps, what it refuses, and how it divides what is large.
@Suite struct PostgresStoreTests {
  /// What an operator says of a record reaches whoever takes the partition over next.
  @Test func quarantinedRecordsReachTheNextOwner() throws {
    let fixture = try Fixture()
    let store = try fixture.open { $0.quarantinedRowsMax = 3 }
    let epoch = try store.acquire(stock).epoch
    // Record 5 stands at another offset.
    try store.writeNow(batch(8, [(item("a"), units(1))], number: 5), epoch: epoch)
    for number in [UInt64(6), 9, 6] {
      try PostgresQuarantine.add(stock, record: number, note: "x'); DROP", to: fixture.connection)
    }
    #expect(try store.acquire(stock).recovery.quarantined == [6, 9])
    #expect(try store.acquire(PartitionID(.stock, 2)).recovery.quarantined.isEmpty)
    for number in UInt64(11)...13 {
      try PostgresQuarantine.add(stock, record: number, note: "", to: fixture.connection)
    }
    #expect(try store.acquire(stock).recovery.quarantined == [11, 12, 13], "the newest")
    let reader = try PostgresStoreReader(fixture.connection, service: .stock)
    #expect(try reader.quarantined(of: stock) == [6, 9, 11, 12, 13])
    for (partition, number, words) in [
      (stock, UInt64(5), "record 5 of stock-1 has been applied already"), (PartitionID(.stock, 4), 9, "no stock-4"),
      (PartitionID(.orders, 0), 9, "'stock'"),
    ] {
      let refusal = failure { try PostgresQuarantine.add(partition, record: number, note: "", to: fixture.connection) }
      #expect(refusal?.message.contains(words) == true, "\(String(describing: refusal))")
    }
    #expect(try fixture.sql("SELECT count(*) FROM kassa.quarantined WHERE note = 'x''); DROP'") == "2")
    store.close()
  }

  @Test func keepsWhatItWroteAndRaisesTheEpochAtEachStart() throws {
    let fixture = try Fixture()
    for start in UInt64(1)...3 {
      let store = try fixture.open()
      let ownership = try store.acquire(stock)
      #expect(ownership.epoch == start)
      #expect(ownership.recovery.header?.offset == (start == 1 ? nil : Int64(start) - 1))
      try store.writeNow(batch(Int64(start), [(item("\(start)"), units(Int64(start)))]), epoch: start)
      #expect(try store.loadNow([item("1"), item("\(start)")], epoch: start) == [units(1), units(Int64(start))])
      store.close()
    }
  }

  @Test func fencesAnOwnerInAnotherProcess() throws {
    let fixture = try Fixture()
    let (zombie, owner) = (try fixture.open(), try fixture.open())
    let old = try zombie.acquire(stock).epoch
    try zombie.writeNow(batch(1, [(item("a"), units(1))]), epoch: old)
    let new = try owner.acquire(stock).epoch
    let late = failure { try zombie.writeNow(batch(2, [(item("a"), units(7)), (item("b"), units(7))]), epoch: old) }
    #expect(late?.code == .fenced && late?.message.contains("stock-1") == true)
    #expect(failure { _ = try zombie.loadNow([item("a")], epoch: old) }?.code == .fenced)
    #expect(zombie.counters.fencedWrites == 1 && zombie.counters.fencedLoads == 1)
    #expect(zombie.counters.checkpoints == 1)
    #expect(try owner.loadNow([item("a"), item("b")], epoch: new) == [units(1), nil])
    zombie.close()
    owner.close()
  }

  /// One transaction holds checkpoints of several partitions; a fenced one among them spoils none.
  @Test func aFencedCheckpointSpoilsNoOther() throws {
    let fixture = try Fixture()
    let store = try fixture.open { $0.writerCount = 1 }
    let partitions = (UInt16(0)..<4).map { PartitionID(.stock, $0) }
    let epochs = try partitions.map { try store.acquire($0).epoch }
    let other = try fixture.open()
    _ = try other.acquire(partitions[2])
    let batches = partitions.map { batch(1, [], of: $0) }
    let answers = try fixture.writeGrouped(batches, epochs, to: store)
    let codes = answers.map { answer in failure { try answer.get() }?.code }
    #expect(codes == [nil, nil, .fenced, nil])
    #expect(store.counters.transactions == 2, "one that waited, and one for the three behind it")
    #expect(try fixture.sql("SELECT partition, log_offset FROM kassa.checkpoints ORDER BY 1") == "0|1\n1|1\n2|\n3|1")
    store.close()
    other.close()
  }

  @Test func loadsSeeWholeBatches() throws {
    let store = try Fixture().open { $0.batchRowsMax = 7 }
    let epoch = try store.acquire(stock).epoch
    let keys = (0..<50).map { item("\($0)") }
    for round in Int64(1)...30 {
      let written = store.startWrite(batch(round, keys.map { ($0, units(round)) }), epoch: epoch)
      for _ in 0..<3 {
        let values = try Set(store.loadNow(keys, epoch: epoch))
        #expect(values == [units(round)] || values == [round == 1 ? nil : units(round - 1)])
      }
      try written.get()
      #expect(try Set(store.loadNow(keys, epoch: epoch)) == [units(round)])
    }
    #expect(store.counters.rowsWritten == 1_500)
    store.close()
  }

  @Test func dividesWhatIsLarge() throws {
    let fixture = try Fixture()
    let store = try fixture.open {
      $0.batchRowsMax = 10
      $0.batchBytesMax = 1_000
    }
    let epoch = try store.acquire(stock).epoch
    let keys = (0..<995).map { item("\($0)") }
    try store.writeNow(batch(1, keys.map { ($0, units(1)) }), epoch: epoch)
    #expect(try store.loadNow(keys, epoch: epoch).allSatisfy { $0 == units(1) })
    try store.writeNow(batch(2, keys.dropLast(2).map { ($0, nil) }), epoch: epoch)
    #expect(try store.loadNow(keys, epoch: epoch).compactMap { $0 }.count == 2)
    let counters = store.counters
    #expect(counters.rowsWritten == 995 && counters.rowsDeleted == 993)
    store.close()
  }

  @Test func keepsLargeRows() throws {
    let store = try Fixture().open(.orders) { $0.rowBytesMax = 2 << 20 }
    let orders = PartitionID(.orders, 0)
    let epoch = try store.acquire(orders).epoch
    func order(_ lines: Int) -> Entity {
      var order = Order(user: UserID(unchecked: "u"))
      order.lines = (0..<lines).map { place in
        let id = "\(place)-" + String(repeating: "x", count: 50)
        return Order.Line(item: ItemID(unchecked: id), quantity: .one, price: Money(unchecked: Int64(place)))
      }
      return .order(order)
    }
    let key = EntityKey.order(OrderID(unchecked: "big"))
    try store.writeNow(batch(1, [(key, order(16_000))], of: orders), epoch: epoch)
    #expect(try store.loadNow([key], of: orders, epoch: epoch) == [order(16_000)])
    let refusal = failure { try store.writeNow(batch(2, [(key, order(60_000))], of: orders), epoch: epoch) }
    #expect(refusal?.code == .write && refusal?.message.contains("big") == true)
    try store.writeNow(batch(3, [(key, order(2))], of: orders), epoch: epoch)
    #expect(try store.loadNow([key], of: orders, epoch: epoch) == [order(2)])
    store.close()
  }

  /// Ids are ASCII; a store that is handed other text keeps it, or says what is wrong.
  @Test func keepsEveryText() throws {
    let store = try Fixture().open()
    let epoch = try store.acquire(stock).epoch
    let texts = ["ключ", "商品", "🛒", "a'b\"c\\d;--", "", "%s{}[],NULL", String(repeating: "é", count: 500)]
    try store.writeNow(batch(1, texts.enumerated().map { (item($1), units(Int64($0))) }), epoch: epoch)
    #expect(try store.loadNow(texts.map { item($0) }, epoch: epoch) == texts.indices.map { units(Int64($0)) })
    let refusal = failure { try store.writeNow(batch(2, [(item("a\0b"), units(1))]), epoch: epoch) }
    #expect(refusal?.code == .write && refusal?.message.contains("SQLSTATE") == true)
    #expect(failure { _ = try store.loadNow([item("a\0b")], epoch: epoch) }?.code == .read)
    try store.writeNow(batch(3, [(item("a"), nil)]), epoch: epoch)
    store.close()
  }

  @Test(arguments: [
    ("UPDATE kassa.entities SET body = '\\xff'", "row a"),
    ("UPDATE kassa.entities SET body = ''", "row a"),
    ("UPDATE kassa.checkpoints SET header = '\\xff' WHERE partition = 1", "checkpoint"),
    ("UPDATE kassa.checkpoints SET header = '' WHERE partition = 1", "checkpoint"),
    ("UPDATE kassa.checkpoints SET epoch = -5 WHERE partition = 1", "epoch"),
    ("UPDATE kassa.checkpoints SET epoch = 9223372036854775807 WHERE partition = 1", "out of range"),
    ("INSERT INTO kassa.entities VALUES (1, 3, 'no/attempt', NULL, 1, '')", "damaged key"),
    ("INSERT INTO kassa.entities VALUES (1, 3, 'o/1', NULL, 1, '\\x0102')", "row o/1"),
  ])
  func namesWhatIsDamaged(_ damage: String, _ word: String) throws {
    let fixture = try Fixture()
    let store = try fixture.open()
    let epoch = try store.acquire(stock).epoch
    try store.writeNow(batch(1, [(item("a"), units(1))]), epoch: epoch)
    try fixture.sql(damage)
    let found = failure {
      let epoch = try store.acquire(stock).epoch
      _ = try store.loadNow([item("a")], epoch: epoch)
    }
    #expect(found?.code == .format, "\(String(describing: found))")
    #expect(found?.message.contains(word) == true && found?.message.contains(fixture.database) == true)
    #expect(found?.message.contains("stock-1") == true || word == "out of range", "\(String(describing: found))")
    #expect(try store.acquire(PartitionID(.stock, 2)).epoch == 1, "the other partitions go on")
    store.close()
  }

  /// A fault of the database fails the checkpoints that it concerns, each alone, and nothing after it.
  @Test func aRefusedCheckpointFailsAlone() throws {
    let fixture = try Fixture()
    let store = try fixture.open { $0.writerCount = 1 }
    let partitions = (UInt16(0)..<4).map { PartitionID(.stock, $0) }
    let epochs = try partitions.map { try store.acquire($0).epoch }
    try fixture.sql("ALTER TABLE kassa.entities ADD CONSTRAINT no_poison CHECK (key <> 'poison')")
    let batches = partitions.indices.map { place in
      batch(1, [(place == 1 ? item("poison") : item("fine"), units(1))], of: partitions[place])
    }
    let answers = try fixture.writeGrouped(batches, epochs, to: store)
    let codes = answers.map { answer in failure { try answer.get() }?.code }
    #expect(codes == [nil, .write, nil, nil])
    #expect(store.counters.writeFailures == 1)
    try store.writeNow(batch(2, [(item("fine"), units(2))], of: partitions[1]), epoch: epochs[1])
    #expect(try store.loadNow([item("fine")], of: partitions[1], epoch: epochs[1]) == [units(2)])
    store.close()
  }

  @Test func toolsReadEveryEntityInOrder() throws {
    let fixture = try Fixture()
    #expect(failure { _ = try PostgresStoreReader(fixture.connection, service: .stock) }?.code == .format)
    let store = try fixture.open()
    let epoch = try store.acquire(stock).epoch
    let changes = (0..<4_500).map { (item("\($0)"), units(Int64($0)) as Entity?) }
    try store.writeNow(batch(5, changes + [(.user(UserID(unchecked: "u")), .user(User()))]), epoch: epoch)
    #expect(failure { _ = try PostgresStoreReader(fixture.connection, service: .orders) }?.code == .format)
    let reader = try PostgresStoreReader(fixture.connection, service: .stock)
    #expect(reader.identity == PostgresIdentity(cluster: "test", partitionCount: 4))
    #expect(try reader.headers().map(\.offset) == [5])
    var seen: [EntityKey] = []
    try reader.forEachEntity(of: stock) { key, _ in
      if seen.count == 10 { try store.writeNow(batch(6, [(item("9999"), units(1))]), epoch: epoch) }
      seen.append(key)
    }
    let expected = (0..<4_500).map { "\($0)" }.sorted().map { item($0) } + [.user(UserID(unchecked: "u"))]
    #expect(seen == expected, "as of the moment when it began")
    #expect(try reader.entity(item("77"), of: stock) == units(77))
    #expect(try reader.entity(item("nothing"), of: stock) == nil)
    store.close()
  }

  @Test func boundsItsQueues() throws {
    let temporary = try TemporaryFolder()
    var options = PostgresOptions()
    options.queuedWritesMax = 3
    options.queuedLoadsMax = 3
    options.writerCount = 1
    let store = try PostgresStore(
      "host=\(temporary.path)", service: .stock, identity: PostgresIdentity(cluster: "test", partitionCount: 4),
      options: options)
    let writes = (0..<5).map { store.startWrite(batch($0, []), epoch: 1) }
    let loads = (0..<5).map { _ in store.startLoad([item("a")], epoch: 1) }
    #expect(failure { try writes[4].get() }?.message.contains("are already waiting") == true)
    #expect(failure { _ = try loads[4].get() }?.message.contains("are already waiting") == true)
    store.close()
    #expect(writes.allSatisfy { $0.count == 1 } && loads.allSatisfy { $0.count == 1 })
  }
}
