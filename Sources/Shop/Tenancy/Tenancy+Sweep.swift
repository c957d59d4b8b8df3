import Model
import PartitionCore
import Streams

// What the owner asks of its partition by itself: to remove old orders. Nobody waits for it, so everything else goes
// first, and a sweep that is lost is not repeated: the next walk over the store's rows finds the same orders.

/// The sweep that an owner has in hand; at most one.
enum SweepPhase: Hashable, Sendable {
  /// Can transition to: queued.
  case none
  /// Waits for a turn. Can transition to: loading, logged, none.
  case queued([OrderID], isLoaded: Bool)
  /// Waits for its rows, and nothing else waits for them. Can transition to: queued.
  case loading([OrderID])
  /// Is in the record of this number. Can transition to: none, once that is durable.
  case logged(UInt64)
}

extension Tenancy {
  /// How long the partition retains orders that do not change, in milliseconds; nil if it removes none.
  public var orderRetentionMilliseconds: Int64? {
    state.rulesVersion >= Rules.retention ? ruleLimits.orderRetentionMilliseconds : nil
  }

  /// Whether a sweep would be taken now: none is in hand, the partition is to remove orders and has little else to do.
  public var takesSweep: Bool {
    guard case .serving = phase, case .none = sweepPhase, commands.isEmpty, hasRoomForWhatCanWait else { return false }
    return orderRetentionMilliseconds != nil
  }

  /// Whether one is in hand.
  public var hasSweep: Bool { sweepPhase != .none }

  /// Takes a sweep of some orders, which is logged in a later turn. Another one is taken when that is durable.
  ///
  /// - Parameter orders: candidates, at most `SweepLimits.ordersMax`; whether they are old enough is decided when the
  ///   sweep is applied.
  /// - Returns: false if it is not taken: always while `takesSweep` is false.
  public mutating func sweep(_ orders: [OrderID]) -> Bool {
    guard partition.service == .orders, takesSweep, (1...SweepLimits.ordersMax).contains(orders.count) else {
      return false
    }
    sweepPhase = .queued(orders, isLoaded: false)
    return true
  }

  /// Whether a turn would take the sweep, or ask for its rows.
  var canSweep: Bool {
    guard case .queued = sweepPhase else { return false }
    return commands.isEmpty && hasRoomForWhatCanWait
  }

  /// The sweep as the log will have it, if the rows of its orders are resident; otherwise asks for them, once: those
  /// that are gone again by then are left out.
  mutating func residentSweep() -> LoggedInput? {
    guard canSweep, case .queued(var orders, let isLoaded) = sweepPhase else { return nil }
    var missing: [EntityKey] = []
    state.machine.collectMissing(for: .orders(.sweep(orders)), into: &missing)
    if !missing.isEmpty {
      guard isLoaded else {
        loads.request(missing)
        sweepPhase = .loading(orders)
        return nil
      }
      let gone = Set(missing)
      orders.removeAll { gone.contains(.order($0)) }
    }
    guard !orders.isEmpty else {
      sweepPhase = .none
      return nil
    }
    let command = ClientCommand(request: .sweep, idempotency: nil, trace: nil, command: .orders(.sweep(orders)))
    return LoggedInput(origin: nil, body: .command(command))
  }

  /// Applies the sweep, after everything else of the turn.
  ///
  /// - Parameter before: bytes that the turn's other inputs take.
  mutating func drainSweep(
    _ time: Timestamp, _ entries: inout [LoggedInput], _ effects: inout TurnEffects, _ before: Int
  ) {
    guard ending == nil, !loads.isBlocking, let entry = residentSweep(),
      before == 0 || before + entry.byteEstimate <= limits.turnBytesMax
    else { return }
    state.advance(to: time)
    do throws(Poison) {
      try perform(entry, in: number + 1, into: &effects)
    } catch {
      return lose(.poison)
    }
    sweepPhase = .logged(number + 1)
    entries.append(entry)
  }

  /// A load has ended, perhaps that of a sweep's rows.
  mutating func sweepLoaded(isFailed: Bool) {
    guard case .loading(let orders) = sweepPhase,
      !orders.contains(where: { loads.requested.contains(.order($0)) })
    else { return }
    sweepPhase = isFailed ? .none : .queued(orders, isLoaded: true)
  }

  /// A record is durable.
  mutating func sweepConfirmed(_ number: UInt64) {
    if case .logged(let logged) = sweepPhase, logged <= number { sweepPhase = .none }
  }
}
