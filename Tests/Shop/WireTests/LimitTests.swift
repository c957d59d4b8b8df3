import Model
import PartitionCore
import Streams
import Testing

@testable import Wire

/// Lists as long as they may be, and one longer.
@Suite struct LimitTests {
  private func items(_ count: Int) -> [ItemID] {
    (0..<count).map { ItemID(unchecked: "i" + String(100_000 + $0)) }
  }

  private func reason(_ value: Decoded, _ message: String) -> String? {
    do {
      _ = try Decoded(message, value.bytes)
      return nil
    } catch {
      return (error as? WireError)?.reason ?? "\(error)"
    }
  }

  @Test func orderLines() {
    func order(_ count: Int) -> Decoded {
      let lines = items(count).map { Order.Line(item: $0, quantity: .one, price: .zero) }
      return .entity(.order(Order(user: UserID(unchecked: "u"), lines: lines)))
    }
    #expect(reason(order(WireLimits.orderLinesMax), "Entity") == nil)
    #expect(reason(order(WireLimits.orderLinesMax + 1), "Entity") == "the order has too many lines")
  }

  @Test func slipLines() {
    func charge(_ counts: [Int]) -> Decoded {
      let stops = counts.enumerated().map { index, count in
        Slip.Stop(partition: UInt16(index), lines: items(count).map { Slip.Line(item: $0, quantity: .one) })
      }
      let slip = Slip(
        attempt: AttemptID(order: OrderID(unchecked: "o"), number: 1), user: UserID(unchecked: "u"), total: .zero,
        stops: stops, trace: nil)
      return .entity(.hold(Hold(slip: slip, stop: 0, status: .held)))
    }
    let half = WireLimits.orderLinesMax / 2
    #expect(reason(charge([half, half]), "Entity") == nil)
    #expect(reason(charge([half, half, 1]), "Entity") == "the slip has too many lines")
    #expect(reason(charge([WireLimits.orderLinesMax + 1]), "Entity") == "the stop has too many lines")
  }

  @Test func sweptOrders() {
    func sweep(_ count: Int) -> Decoded {
      let command = Command.orders(.sweep((0..<count).map { OrderID(unchecked: "o\($0)") }))
      let client = ClientCommand(request: .sweep, idempotency: nil, trace: nil, command: command)
      return .record(Record(entries: [Entry(time: .zero, body: .command(client))]))
    }
    #expect(reason(sweep(SweepLimits.ordersMax), "Record") == nil)
    #expect(reason(sweep(SweepLimits.ordersMax + 1), "Record") == "entry 0: the sweep has too many orders")
  }

  @Test func waiters() {
    func order(_ count: Int) -> Decoded {
      let waiter = Waiter(request: RequestID(incarnation: 0, lane: 0, number: 0), idempotency: nil)
      let waiters = Array(repeating: waiter, count: count)
      return .entity(.order(Order(user: UserID(unchecked: "u"), status: .checkingOut, waiters: waiters)))
    }
    #expect(reason(order(WireLimits.orderWaitersMax), "Entity") == nil)
    #expect(reason(order(WireLimits.orderWaitersMax + 1), "Entity") == "the order has too many waiters")
  }

  @Test func parkedAttempts() {
    func item(_ count: Int) -> Decoded {
      let attempt = AttemptID(order: OrderID(unchecked: "o"), number: 1)
      return .entity(.item(Item(price: .zero, parked: Array(repeating: attempt, count: count))))
    }
    #expect(reason(item(WireLimits.itemParkedMax), "Entity") == nil)
    #expect(reason(item(WireLimits.itemParkedMax + 1), "Entity") == "the item has too many parked attempts")
  }

  @Test func entries() throws {
    let entry = Entry(time: .zero, body: .control(.rules(version: 1)))
    let bytes = Decoded.record(Record(entries: [entry])).bytes
    let full = Array(repeatElement(bytes, count: WireLimits.recordEntriesMax).joined())
    #expect(throws: WireError("the record has too many entries")) { try Decoded("Record", full + bytes) }
    guard case .record(let record) = try Decoded("Record", full) else { return }
    #expect(record.entries.count == WireLimits.recordEntriesMax)
  }

  @Test func inputsAndControlsOfATurn() throws {
    func turn(controls: Int, entries: Int) -> Decoded {
      let entry = LoggedInput(origin: nil, body: .skip(nil, .expired))
      return .logRecord(
        .turn(
          TurnRecord(
            owner: OwnerID(epoch: 1, run: 0), number: 1, time: .zero,
            controls: Array(repeating: .released(epoch: 1), count: controls),
            entries: Array(repeating: entry, count: entries))))
    }
    #expect(reason(turn(controls: WireLimits.recordControlsMax, entries: 0), "LogRecord") == nil)
    #expect(
      reason(turn(controls: WireLimits.recordControlsMax + 1, entries: 0), "LogRecord")
        == "the record has too many controls")
    #expect(reason(turn(controls: 0, entries: WireLimits.recordEntriesMax), "LogRecord") == nil)
    #expect(
      reason(turn(controls: 0, entries: WireLimits.recordEntriesMax + 1), "LogRecord")
        == "the record has too many entries")
  }

  @Test func theCoreStaysFarBelowTheFormat() {
    let core = CoreLimits()
    #expect(RuleLimits.initial.orderLinesMax <= WireLimits.orderLinesMax)
    #expect(RuleLimits.initial.orderWaitersMax <= WireLimits.orderWaitersMax)
    #expect(RuleLimits.initial.itemParkedMax <= WireLimits.itemParkedMax)
    #expect(core.stepEntriesMax <= WireLimits.recordEntriesMax)
    #expect(Partitioner(count: WireLimits.partitionsMax) != nil)
    #expect(Partitioner(count: WireLimits.partitionsMax + 1) == nil)
    let (_, overflows) = WireLimits.timeMillisecondsMax.addingReportingOverflow(WireLimits.expiryMillisecondsMax)
    #expect(!overflows)
    #expect(
      WireLimits.timeMillisecondsMax + RuleLimits.Highest.idempotencyExpiryMilliseconds
        <= WireLimits.expiryMillisecondsMax)
  }
}
