import Model
import PartitionCore
import Payments
import Streams
import TestSupport
import Testing

@testable import Tenancy

/// A tenure of payments-0.
typealias TestOwner = OwnerDriver<PaymentsMachine>

/// A tenure, and a log that does as it is told.
struct OwnerDriver<Machine: StateMachine> {
  var tenancy: Tenancy<Machine>
  var actions = TenancyActions()
  var now: Int64 = 1_000
  /// What was appended and not answered for.
  var appended: [LogRecord] = []
  private(set) var nextRequest: UInt64 = 1
  private var nextNumber: UInt64 = 1

  /// The partition of `TestOwner`.
  static var partition: PartitionID { PartitionID(.payments, 0) }
  static var session: StreamSource { .session(Session(run: 1, lane: 0, number: 1)) }

  init(
    epoch: UInt64 = 1, mode: LogMode = .shared, limits: TenancyLimits = TenancyLimits(),
    recovery: Recovery = Recovery(), of partition: PartitionID = OwnerDriver.partition,
    wants wantedLimits: RuleLimits = .initial
  ) throws {
    tenancy = Tenancy(
      partition: partition, owner: OwnerID(epoch: epoch, run: 1), partitioner: try #require(Partitioner(count: 1)),
      mode: mode, limits: limits, wantedLimits: wantedLimits, wantedRules: Rules.oneWriter, recovery: recovery)
  }

  static func owned(_ epoch: UInt64, run: UInt64 = 1) throws -> LogRecord {
    .owned(try #require(Owner(epoch: epoch, incarnation: run, address: "here")))
  }

  /// Reads a log up to the own `Owned` and further, from offset 0.
  mutating func read(_ records: [LogRecord]) {
    for (offset, record) in records.enumerated() {
      tenancy.deliver(record, at: Int64(offset))
      tenancy.advanceReplay(at: now, into: &actions)
      load()
    }
  }

  /// Nothing is stored.
  mutating func load() {
    while !actions.loads.isEmpty {
      let keys = actions.loads
      actions.loads = []
      tenancy.loaded(keys.map { EntityChange(key: $0, value: nil) }, at: now, into: &actions)
      tenancy.advanceReplay(at: now, into: &actions)
    }
  }

  /// A new user is created by the next command of the session. Returns the request.
  @discardableResult
  mutating func create(_ user: String) -> RequestID {
    take(.payments(.create(UserID(unchecked: user), .random)))
  }

  @discardableResult
  mutating func take(_ command: Command) -> RequestID {
    let request = RequestID(incarnation: 1, lane: 0, number: nextRequest)
    nextRequest += 1
    let input = StreamInput.command(
      ClientCommand(request: request, idempotency: nil, trace: nil, command: command), deadline: nil)
    if tenancy.mode.isShared {
      tenancy.receive(
        StreamFrame(
          source: Self.session, destination: tenancy.partition, owner: tenancy.owner, first: nextNumber,
          inputs: [input],
          asOf: Timestamp(milliseconds: now)), into: &actions)
      nextNumber += 1
    } else if case .command(let command, _) = input {
      expectEqual(tenancy.receive(command, deadline: nil), true)
    }
    return request
  }

  mutating func turn() {
    while tenancy.wantsTurn {
      let before = actions.appends.count
      tenancy.turn(at: Timestamp(milliseconds: now), now: now, into: &actions)
      load()
      if actions.appends.count == before, !tenancy.wantsTurn || actions.loads.isEmpty { break }
    }
    appended += actions.appends
    actions.appends = []
  }

  /// The oldest append is answered for.
  mutating func confirm(at offset: Int64?) {
    guard case .turn(let record)? = appended.first else { return }
    appended.removeFirst()
    tenancy.confirmed(record.number, at: offset, now: now, into: &actions)
    appended += actions.appends
    actions.appends = []
  }

  /// The replies that left since the last call.
  mutating func takeReplies() -> [RequestID] {
    defer { actions.replies = [] }
    return actions.replies.map(\.request)
  }
}
