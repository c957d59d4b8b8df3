import Model

/// An entity that may have to stay in memory, whatever the bounds say.
public protocol Residence: Sendable {
  /// Whether the entity is part of something under way; such entities are bounded by what is under way.
  var isPinned: Bool { get }
}

/// The resident entities of one kind in one partition.
///
/// Only hot entities are in memory: a key that is not resident may exist in the store and must be loaded before
/// an entry that touches it is applied. A resident key whose value is nil is known not to exist. A changed entity
/// is *dirty* until a checkpoint that holds it has been written, and is never evicted before.
public struct Table<Key: Hashable & Sendable, Value: Residence>: Sendable {
  private struct Slot: Sendable {
    let key: Key
    var value: Value?
    /// What an answer that shows this value must wait for.
    var revealedAt: LogPosition
    var flags: SlotFlags
  }

  private var index: [Key: Int32] = [:]
  private var slots: ContiguousArray<Slot> = []
  private var free: [Int32] = []
  private var dirty: [Int32] = []
  private var underWrite: [Int32] = []
  private var hand = 0

  public init() {}

  public var residentCount: Int { index.count }
  public var dirtyCount: Int { dirty.count + underWrite.count }

  public func isResident(_ key: Key) -> Bool { index[key] != nil }

  /// The value of a resident key; nil if it does not exist.
  public subscript(key: Key) -> Value? {
    guard let slot = index[key] else { return nil }
    return slots[Int(slot)].value
  }

  /// The value of a key and what an answer that shows it must wait for; nil if the key is not resident.
  public mutating func look(_ key: Key) -> (value: Value?, revealedAt: LogPosition)? {
    guard let slot = index[key] else { return nil }
    slots[Int(slot)].flags.insert(.referenced)
    return (slots[Int(slot)].value, slots[Int(slot)].revealedAt)
  }

  /// Changes a value in place, or creates or deletes it, and marks it dirty.
  ///
  /// A key that is not resident counts as new: the caller knows that the store has no row for it.
  @discardableResult
  public mutating func update<Result, Failure: Error>(
    _ key: Key, at position: LogPosition, _ change: (inout Value?) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    let slot = Int(index[key] ?? insert(key, nil, .used))
    let result = try change(&slots[slot].value)
    slots[slot].revealedAt = position
    if !slots[slot].flags.contains(.dirty) { dirty.append(Int32(slot)) }
    slots[slot].flags.formUnion([.dirty, .referenced])
    return result
  }

  /// Deletes a value, whether or not its key is resident: the store may have a row for it.
  public mutating func delete(_ key: Key, at position: LogPosition) {
    update(key, at: position) { $0 = nil }
    if let slot = index[key] { slots[Int(slot)].flags.insert(.stored) }
  }

  /// Takes what the store said about a key, unless the key is already resident and so newer.
  public mutating func install(_ key: Key, _ value: Value?) {
    guard index[key] == nil else { return }
    _ = insert(key, value, value == nil ? [.used, .referenced] : [.used, .referenced, .stored])
  }

  private mutating func insert(_ key: Key, _ value: Value?, _ flags: SlotFlags) -> Int32 {
    let slot: Int32
    let new = Slot(key: key, value: value, revealedAt: .zero, flags: flags)
    if let reused = free.popLast() {
      slot = reused
      slots[Int(slot)] = new
    } else {
      slot = Int32(slots.count)
      slots.append(new)
    }
    index[key] = slot
    return slot
  }

  private mutating func remove(_ slot: Int) {
    index[slots[slot].key] = nil
    slots[slot].value = nil
    slots[slot].flags = []
    free.append(Int32(slot))
  }

  // MARK: Checkpoints

  /// Passes every dirty entity to `body`; a nil value deletes the key's row. They count as dirty until
  /// `checkpointEnded`.
  public mutating func takeChanges(_ body: (Key, Value?) -> Void) {
    for slot in dirty {
      let flags = slots[Int(slot)].flags
      slots[Int(slot)].flags.subtract(.dirty)
      slots[Int(slot)].flags.insert(.written)
      underWrite.append(slot)
      // Created and deleted between two checkpoints: the store never hears of it. The key still stays until the
      // checkpoint is written, because only then is the removal surely durable, and a read may have to wait for it.
      if slots[Int(slot)].value == nil && !flags.contains(.stored) { continue }
      body(slots[Int(slot)].key, slots[Int(slot)].value)
      slots[Int(slot)].flags.insert(.stored)
    }
    dirty.removeAll(keepingCapacity: true)
  }

  /// Notes whether the changes from `takeChanges` were written.
  public mutating func checkpointEnded(isWritten: Bool) {
    for slot in underWrite {
      slots[Int(slot)].flags.subtract(.written)
      let flags = slots[Int(slot)].flags
      guard !flags.contains(.dirty) else { continue }
      if !isWritten {
        slots[Int(slot)].flags.insert(.dirty)
        dirty.append(slot)
      } else if slots[Int(slot)].value == nil && !flags.contains(.stored) {
        remove(Int(slot))
      }
    }
    underWrite.removeAll(keepingCapacity: true)
  }

  // MARK: Eviction

  /// Evicts up to `excess` clean entities that were not touched lately, examining at most `scanMax` slots.
  /// Returns how many. The clock algorithm: a touched entity survives one pass of the hand.
  public mutating func evict(excess: Int, scanMax: Int, isKept: (Key) -> Bool) -> Int {
    var evicted = 0
    for _ in 0..<min(scanMax, slots.count) where evicted < excess {
      hand = hand + 1 < slots.count ? hand + 1 : 0
      let flags = slots[hand].flags
      guard flags.contains(.used), flags.isDisjoint(with: [.dirty, .written]) else { continue }
      if flags.contains(.referenced) {
        slots[hand].flags.subtract(.referenced)
      } else if slots[hand].value?.isPinned != true, !isKept(slots[hand].key) {
        remove(hand)
        evicted += 1
      }
    }
    return evicted
  }

  /// Every resident entity that exists, in no particular order.
  public func forEach(_ body: (Key, Value) -> Void) {
    for slot in slots where slot.flags.contains(.used) {
      if let value = slot.value { body(slot.key, value) }
    }
  }
}

/// What a table knows of one of its slots.
private struct SlotFlags: OptionSet, Sendable {
  let rawValue: UInt8
  /// Holds a key; the other slots are free.
  static let used = SlotFlags(rawValue: 1)
  /// Changed since the newest checkpoint was taken.
  static let dirty = SlotFlags(rawValue: 2)
  /// Part of the checkpoint that is being written.
  static let written = SlotFlags(rawValue: 4)
  /// The store has, or may have, a row for the key.
  static let stored = SlotFlags(rawValue: 8)
  /// Touched since the eviction hand last passed.
  static let referenced = SlotFlags(rawValue: 16)
}

extension Order: Residence {
  public var isPinned: Bool { status == .checkingOut }
}
extension Item: Residence {
  public var isPinned: Bool { held != .zero || !parked.isEmpty }
}
extension Hold: Residence {
  public var isPinned: Bool { true }
}
extension User: Residence {
  public var isPinned: Bool { false }
}
extension Payment: Residence {
  public var isPinned: Bool { false }
}
extension IdempotencyRecord: Residence {
  public var isPinned: Bool { outcome == nil }
}
