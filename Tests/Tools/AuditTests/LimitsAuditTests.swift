import Audit
import Server
import Ports
import Model
import PartitionCore
import SQLite
import Settings
import Streams
import Telemetry
import TestSupport
import Testing

/// Folders whose limits are not the initial ones: audits decide as their owners did.
@Suite(.serialized) struct LimitsAuditTests {
  private let folder: TemporaryFolder
  private let path: String
  private let order = OrderID(unchecked: "o")
  private let item = ItemID(unchecked: "i")
  private let user = UserID(unchecked: "u")

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path + "/data"
  }

  private static let limits = ["orderLinesMax", "orderWaitersMax", "itemParkedMax", "idempotencyExpiry"]

  /// Commands of which the last one comes to something else under the initial limits.
  private func commands(_ limit: String, _ settings: inout ServeSettings) -> [(Int64, String?, Command)] {
    let create = Command.orders(.create(order, user: user, .random))
    let stock: [Command] = [.stock(.create(item, price: Money(unchecked: 1), .random)), .stock(.add(item, .one))]
    switch limit {
    case "orderLinesMax":
      settings.orderLinesMax = 1
      return [create, add("a", to: order), add("b", to: order)].map { (1, nil, $0) }
    case "orderWaitersMax":
      settings.orderWaitersMax = 1
      // Both in one record: the second one finds the first under way.
      return [(1, nil, create), (1, nil, .orders(.checkout(order))), (1, "k", .orders(.checkout(order)))]
    case "itemParkedMax":
      settings.itemParkedMax = 1
      let others = (0..<4).map { OrderID(unchecked: "o\($0)") }
      let carts = others.flatMap { [.orders(.create($0, user: user, .random)), add("i", to: $0)] }
      let buys = others.map { Command.orders(.checkout($0)) }
      return (stock + carts).map { (1, nil, $0) } + buys.enumerated().map { (1, "k\($0)", $1) }
    default:
      settings.requestDeadlineMilliseconds = 1_000
      settings.idempotencyExpiryMilliseconds = 2_000
      // Behind the expiry the same key buys once more.
      let fund = Command.payments(.addFunds(user, Money(unchecked: 7)))
      return [(1, nil, .payments(.create(user, .random))), (1, "k", fund), (5_000, "k", fund)]
    }
  }

  private func add(_ item: String, to order: OrderID) -> Command {
    .orders(.addItem(order, ItemID(unchecked: item), .one, price: Money(unchecked: 1)))
  }

  private func append(_ commands: [(Int64, String?, Command)], under limits: RuleLimits) throws {
    let log = try SQLiteLog(
      folder: DataFolder(path: path, partitionCount: 1, files: [LogFile.file, StoreFile.file]))
    defer { log.close() }
    let owner = OwnerID(epoch: 1, run: 7)
    let owned = try #require(Owner(epoch: owner.epoch, incarnation: owner.run, address: "here"))
    for service in Service.allCases {
      let numbered = commands.enumerated().filter { $0.element.2.service == service }
      let times = Set(numbered.map(\.element.0)).union([1]).sorted()
      let turns = times.enumerated().map { place, time in
        let entries = numbered.filter { $0.element.0 == time }.map { number, command in
          LoggedInput(origin: nil, body: body(command.2, key: command.1, number: number))
        }
        let controls = place == 0 ? [Control.rules(version: 1), .limits(limits)] : []
        return LogRecord.turn(
          TurnRecord(
            owner: owner, number: UInt64(place) + 1, time: Timestamp(milliseconds: time), controls: controls,
            entries: entries))
      }
      let records = [.owned(owned)] + turns
      log.append(
        records.map { RecordAppend(partition: PartitionID(service, 0), record: $0) }, by: 0, expecting: [])
    }
    log.turnEnded(by: 0)
  }

  private func body(_ command: Command, key: String?, number: Int) -> LoggedInput.Body {
    let token = key.map { IdempotencyToken(key: IdempotencyKey(unchecked: $0), fingerprint: 1) }
    return .command(
      ClientCommand(
        request: RequestID(incarnation: 1, lane: 0, number: UInt64(number)), idempotency: token, trace: nil,
        command: command))
  }

  private func serve(_ settings: ServeSettings) throws {
    let server = try EmbeddedServer(
      settings, version: "test", journal: Log(level: .error, clock: { 0 }, write: { _ in }))
    #expect(server.waitUntilReady(milliseconds: 10_000))
    server.stop()
  }

  private func entities() throws -> [EntityKey: Entity] {
    let state = try ReplayedState(try FolderSource(path: path))
    var entities: [EntityKey: Entity] = [:]
    for partition in state.partitions { try state.forEachEntity(of: partition) { entities[$0] = $1 } }
    return entities
  }

  @Test(arguments: Self.limits)
  func theStoreIsWhatAReplayGives(_ limit: String) throws {
    var settings = ServeSettings()
    settings.http.port = 0
    settings.operatorPort.port = 0
    settings.dataFolder = path
    settings.lanes = 1
    settings.partitions = 1
    settings.eventLogRetention = .keep
    // The log's records are of 1970.
    settings.acceptedClock = .now
    let initial = settings
    let commands = commands(limit, &settings)
    let limits = RuleLimits(
      orderLinesMax: settings.orderLinesMax, orderWaitersMax: settings.orderWaitersMax,
      itemParkedMax: settings.itemParkedMax, idempotencyExpiryMilliseconds: settings.idempotencyExpiryMilliseconds)
    #expect(limits != .initial)
    try append(commands, under: limits)
    let replayed = try entities()
    // An owner that is configured otherwise, and then one that is as before.
    for settings in [initial, settings] {
      try serve(settings)
      let report = try FolderAudit.run(path: path)
      #expect(report.isSound && report.partitionsCompared == 3, "\(report.findings)")
    }
    #expect(comparable(try entities()) == comparable(replayed))
    check(limit, replayed)
  }

  /// Without keys, and without when orders changed: the newest rules, under which owners go on, say so.
  private func comparable(_ entities: [EntityKey: Entity]) -> [EntityKey: Entity] {
    entities.filter { !isKey($0.key) }.mapValues { entity in
      guard case .order(var order) = entity else { return entity }
      order.changedAt = nil
      return .order(order)
    }
  }

  private func isKey(_ key: EntityKey) -> Bool { if case .idempotency = key { true } else { false } }

  /// The limit was reached at all.
  private func check(_ limit: String, _ entities: [EntityKey: Entity]) {
    func isRemembered(_ key: String) -> Bool { entities[.idempotency(IdempotencyKey(unchecked: key))] != nil }
    switch (limit, entities[.order(order)], entities[.user(user)]) {
    case ("orderLinesMax", .order(let order)?, _): #expect(order.lines.count == 1)
    // Who is to try again leaves no key behind.
    case ("orderWaitersMax", .order?, _): #expect(!isRemembered("k"))
    case ("itemParkedMax", _, _): #expect((0..<4).map { isRemembered("k\($0)") } == [true, true, false, false])
    case ("idempotencyExpiry", _, .user(let user)?): #expect(user.credit.value == 14)
    default: Issue.record("nothing was applied")
    }
  }
}
