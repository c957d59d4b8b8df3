import Model
import Synchronization

/// Item prices in memory, shared by all lanes.
///
/// An entry lives for `lifetimeMilliseconds`; if the cache is full, the oldest entry is dropped.
public final class MemoryPriceCache: PriceCache {
  private struct Entry: Sendable {
    let price: Money
    let expiresAtMilliseconds: Int64
    /// Distinguishes the newest place in `order` from older ones of the same item.
    let number: UInt64
  }

  private struct State: Sendable {
    var entries: [ItemID: Entry] = [:]
    /// Items in the order in which they were remembered; a ring from `head` on. Places whose number differs from the
    /// entry's remain from before it was renewed.
    var order: [(item: ItemID, number: UInt64)] = []
    var head = 0
    var nextNumber: UInt64 = 0
    /// How often everything was forgotten.
    var generation: UInt64 = 0
  }

  private let state = Mutex(State())
  private let entriesMax: Int
  private let lifetimeMilliseconds: Int64
  private let now: @Sendable () -> Int64

  /// - Parameters:
  ///   - entriesMax: the most prices remembered, at least 1.
  ///   - lifetimeMilliseconds: after this long the stock service is asked again.
  ///   - now: a clock in milliseconds that never runs backwards.
  public init(entriesMax: Int, lifetimeMilliseconds: Int64, now: @escaping @Sendable () -> Int64) {
    self.entriesMax = max(entriesMax, 1)
    self.lifetimeMilliseconds = lifetimeMilliseconds
    self.now = now
  }

  public func price(of item: ItemID, completion: (PriceAnswer) -> Void) {
    let time = now()
    let (entry, generation) = state.withLock { ($0.entries[item], $0.generation) }
    guard let entry, entry.expiresAtMilliseconds > time else {
      return completion(.unknown(PriceTicket(generation: generation)))
    }
    completion(.known(entry.price))
  }

  public func remember(_ price: Money, of item: ItemID, asked ticket: PriceTicket) {
    let (expiry, overflow) = now().addingReportingOverflow(lifetimeMilliseconds)
    state.withLock { state in
      guard ticket.generation == state.generation else { return }
      let number = state.nextNumber
      state.nextNumber += 1
      state.entries[item] = Entry(
        price: price, expiresAtMilliseconds: overflow ? .max : expiry, number: number)
      state.order.append((item, number))
      while state.entries.count > entriesMax || state.order.count - state.head > 2 * entriesMax {
        dropFirst(&state)
      }
    }
  }

  /// Drops the oldest place, and its entry unless that has been renewed since.
  private func dropFirst(_ state: inout State) {
    guard state.head < state.order.count else { return }
    let (item, number) = state.order[state.head]
    state.head += 1
    if state.entries[item]?.number == number { state.entries[item] = nil }
    if state.head >= 64, state.head * 2 >= state.order.count {
      state.order.removeFirst(state.head)
      state.head = 0
    }
  }

  public func removeAll() {
    state.withLock { state in
      state.entries = [:]
      state.order = []
      state.head = 0
      state.generation &+= 1
    }
  }

  /// Prices remembered now, including expired ones.
  public var count: Int { state.withLock { $0.entries.count } }
}
