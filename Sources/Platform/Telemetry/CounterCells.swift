import Synchronization

/// A row of counters with one writer and any number of readers, without locks.
///
/// Each lane has its own cells and adds to them with a plain load and store: no locked instruction, no cache line
/// contended by two lanes. A scrape on another thread reads them with relaxed loads and sums over the lanes; it may see
/// one counter a moment newer than its neighbour, never a torn value. Counters wrap at 64 bits.
///
/// Only one thread at a time may call `add` and `set`; a second writer would lose counts, not memory safety.
public final class CounterCells: Sendable {
  public let count: Int
  private let cells: CellStorage

  public init(count: Int) {
    self.count = max(count, 0)
    cells = CellStorage(count: max(count, 0))
  }

  /// Adds to a cell; a cell that does not exist is ignored.
  public func add(_ amount: UInt64, to index: Int) {
    guard (0..<count).contains(index) else { return }
    let cell = cells.base + index
    cell.pointee.store(cell.pointee.load(ordering: .relaxed) &+ amount, ordering: .relaxed)
  }

  /// Sets a cell, for gauges.
  public func set(_ value: UInt64, at index: Int) {
    guard (0..<count).contains(index) else { return }
    cells.base[index].store(value, ordering: .relaxed)
  }

  /// The value of a cell; 0 if there is none. From any thread.
  public func value(at index: Int) -> UInt64 {
    (0..<count).contains(index) ? cells.base[index].load(ordering: .relaxed) : 0
  }
}

/// Owns the memory of a row of atomics.
///
/// `@unchecked` because of the pointer: it never changes, and it points to atomics, which are safe to share.
private final class CellStorage: @unchecked Sendable {
  let base: UnsafeMutablePointer<Atomic<UInt64>>
  private let count: Int

  init(count: Int) {
    self.count = count
    base = .allocate(capacity: max(count, 1))
    for index in 0..<count { (base + index).initialize(to: Atomic(0)) }
  }

  deinit {
    base.deinitialize(count: count)
    base.deallocate()
  }
}
