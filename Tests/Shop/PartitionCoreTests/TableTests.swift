import Model
import PartitionCore
import Testing

/// A value that says itself whether it is pinned.
private struct Value: Residence, Hashable {
  var number: Int
  var isPinned = false
}

/// A change as a checkpoint carries it.
private struct Change: Hashable {
  let key: String
  let number: Int?
}

@Suite struct TableTests {
  private var table = Table<String, Value>()

  private mutating func put(_ key: String, _ number: Int?, isPinned: Bool = false) {
    table.update(key, at: LogPosition(1)) { $0 = number.map { Value(number: $0, isPinned: isPinned) } }
  }

  private mutating func take() -> [Change] {
    var changes: [Change] = []
    table.takeChanges { changes.append(Change(key: $0, number: $1?.number)) }
    return changes
  }

  private mutating func evict(_ excess: Int = .max, scanMax: Int = 1_000, keeping: Set<String> = []) -> Int {
    table.evict(excess: excess, scanMax: scanMax) { keeping.contains($0) }
  }

  // MARK: Residence

  @Test mutating func aKeyIsUnknownUntilItIsInstalled() {
    #expect(!table.isResident("a"))
    #expect(table["a"] == nil)
    #expect(table.look("a") == nil)
    table.install("a", nil)
    #expect(table.isResident("a"))
    #expect(table["a"] == nil)
    let look = table.look("a")
    #expect(look != nil && look?.value == nil)
    #expect(table.residentCount == 1)
    #expect(table.dirtyCount == 0)
    #expect(take().isEmpty)
  }

  @Test mutating func whatIsResidentIsNewerThanTheStore() {
    put("a", 2)
    table.install("a", Value(number: 1))
    #expect(table["a"]?.number == 2)
    table.install("b", nil)
    table.install("b", Value(number: 1))
    #expect(table["b"] == nil)
  }

  @Test mutating func anUpdateSaysWhenItMayBeSeen() {
    table.install("a", Value(number: 1))
    #expect(table.look("a")?.revealedAt == .zero)
    let old = table.update("a", at: LogPosition(7)) { value in
      defer { value?.number = 2 }
      return value?.number
    }
    #expect(old == 1)
    #expect(table.look("a")?.value?.number == 2)
    #expect(table.look("a")?.revealedAt == LogPosition(7))
  }

  @Test mutating func aChangeThatThrowsMarksNothingDirty() {
    struct Refused: Error {}
    table.install("a", Value(number: 1))
    #expect(throws: Refused.self) {
      try table.update("a", at: LogPosition(7)) { _ throws(Refused) in throw Refused() }
    }
    #expect(table.dirtyCount == 0)
    #expect(table.look("a")?.revealedAt == .zero)
  }

  // MARK: Checkpoints

  @Test mutating func aCheckpointHasEachChangeOnce() {
    put("a", 1)
    put("b", 1)
    put("a", 2)
    #expect(table.dirtyCount == 2)
    #expect(take() == [Change(key: "a", number: 2), Change(key: "b", number: 1)])
    #expect(table.dirtyCount == 2, "dirty until it is written")
    table.checkpointEnded(isWritten: true)
    #expect(table.dirtyCount == 0)
    #expect(take().isEmpty)
  }

  @Test mutating func whatChangesDuringACheckpointIsInTheNext() {
    put("a", 1)
    #expect(take() == [Change(key: "a", number: 1)])
    put("a", 2)
    table.checkpointEnded(isWritten: true)
    #expect(table.dirtyCount == 1)
    #expect(take() == [Change(key: "a", number: 2)])
  }

  @Test mutating func aFailedCheckpointIsTakenAgain() {
    put("a", 1)
    put("b", 1)
    #expect(take().count == 2)
    put("a", 2)
    table.checkpointEnded(isWritten: false)
    #expect(table.dirtyCount == 2)
    #expect(Set(take()) == [Change(key: "a", number: 2), Change(key: "b", number: 1)])
    table.checkpointEnded(isWritten: true)
    #expect(table.dirtyCount == 0)
  }

  @Test mutating func aDeletionReachesTheStoreThatHasTheRow() {
    table.install("a", Value(number: 1))
    put("a", nil)
    #expect(take() == [Change(key: "a", number: nil)])
    table.checkpointEnded(isWritten: true)
    #expect(table.isResident("a"), "known not to exist")
    #expect(table["a"] == nil)
  }

  @Test mutating func createdAndDeletedBetweenTwoCheckpointsIsNothing() {
    put("a", 1)
    put("a", nil)
    #expect(take().isEmpty)
    // Only the checkpoint makes its removal durable for certain: until then a read may have to wait for it.
    #expect(table.look("a")?.revealedAt == LogPosition(1))
    table.checkpointEnded(isWritten: true)
    #expect(!table.isResident("a"))
    #expect(table.residentCount == 0)
    #expect(table.dirtyCount == 0)
    put("b", 1)
    #expect(take() == [Change(key: "b", number: 1)], "the slot is used again")
  }

  @Test mutating func whatWasCreatedAndDeletedIsTakenAgainAfterACheckpointThatFailed() {
    put("a", 1)
    put("a", nil)
    #expect(take().isEmpty)
    table.checkpointEnded(isWritten: false)
    #expect(table.dirtyCount == 1)
    #expect(take().isEmpty)
    put("a", 2)
    table.checkpointEnded(isWritten: true)
    #expect(take() == [Change(key: "a", number: 2)])
  }

  @Test mutating func createdUnderOneCheckpointAndDeletedAfterItIsDeleted() {
    put("a", 1)
    #expect(take() == [Change(key: "a", number: 1)])
    put("a", nil)
    table.checkpointEnded(isWritten: true)
    #expect(take() == [Change(key: "a", number: nil)])
  }

  @Test mutating func aFailedCheckpointMayHaveBeenWritten() {
    put("a", 1)
    #expect(take() == [Change(key: "a", number: 1)])
    put("a", nil)
    table.checkpointEnded(isWritten: false)
    #expect(take() == [Change(key: "a", number: nil)], "the store may have the row")
  }

  @Test mutating func deletedAndCreatedAgainIsTheNewValue() {
    table.install("a", Value(number: 1))
    put("a", nil)
    put("a", 2)
    #expect(take() == [Change(key: "a", number: 2)])
  }

  // MARK: Eviction

  @Test mutating func whatWasTouchedSurvivesOnePassing() {
    for key in ["a", "b", "c"] { table.install(key, Value(number: 1)) }
    #expect(evict(scanMax: 3) == 0, "the first passing takes the marks away")
    _ = table.look("b")
    #expect(evict(scanMax: 3) == 2)
    #expect(table.isResident("b"))
    #expect(table.residentCount == 1)
    #expect(evict(scanMax: 6) == 1)
  }

  @Test mutating func dirtyOnesStayUntilTheyAreWritten() {
    put("a", 1)
    #expect(evict() == 0)
    _ = take()
    #expect(evict() == 0, "being written")
    table.checkpointEnded(isWritten: false)
    #expect(evict() == 0, "dirty again")
    _ = take()
    table.checkpointEnded(isWritten: true)
    #expect(evict() + evict() == 1)
    #expect(!table.isResident("a"))
  }

  @Test mutating func pinnedOnesAndKeptOnesAreNeverEvicted() {
    table.install("pinned", Value(number: 1, isPinned: true))
    table.install("kept", Value(number: 1))
    table.install("free", Value(number: 1))
    table.install("absent", nil)
    var evicted = 0
    for _ in 0..<4 { evicted += evict(keeping: ["kept"]) }
    #expect(evicted == 2)
    #expect(table.isResident("pinned"))
    #expect(table.isResident("kept"))
    #expect(!table.isResident("free"))
    #expect(!table.isResident("absent"))
  }

  @Test mutating func evictionKeepsToItsBounds() {
    for number in 0..<100 { table.install("k\(number)", Value(number: number)) }
    _ = evict(scanMax: 100)
    #expect(evict(7) == 7)
    #expect(evict(100, scanMax: 10) == 10)
    #expect(evict(0) == 0)
    #expect(table.residentCount == 83)
  }

  @Test mutating func anEmptyTableEvictsNothing() {
    #expect(evict() == 0)
    table.install("a", nil)
    #expect(evict() + evict() == 1)
    #expect(evict() == 0, "free slots are passed over")
  }

  @Test mutating func whatIsEvictedCanComeBack() {
    table.install("a", Value(number: 1))
    #expect(evict() + evict() == 1)
    table.install("a", Value(number: 5))
    #expect(table["a"]?.number == 5)
    #expect(table.residentCount == 1)
  }

  @Test mutating func everyExistingEntityIsVisited() {
    put("a", 1)
    table.install("b", Value(number: 2))
    table.install("c", nil)
    put("d", 4)
    put("d", nil)
    var seen: [String: Int] = [:]
    table.forEach { seen[$0] = $1.number }
    #expect(seen == ["a": 1, "b": 2])
  }

  /// Random steps against a store and a dictionary: nothing is lost, nothing is told twice, nothing comes back.
  @Test(arguments: 0..<20 as Range<UInt64>)
  mutating func randomStepsAgainstADictionary(seed: UInt64) {
    var random = SplitMix(state: seed)
    var model: [String: Int] = [:]
    var store: [String: Int] = [:]
    var underWrite: [Change]?
    for step in 0..<2_000 {
      let key = "k\(random.below(12))"
      switch random.below(8) {
      case 0...3:
        if !table.isResident(key) { table.install(key, store[key].map { Value(number: $0) }) }
        #expect(table[key]?.number == model[key], "seed \(seed), step \(step)")
        let number = random.below(3) == 0 ? nil : step
        put(key, number)
        model[key] = number
      case 4, 5:
        _ = evict(random.below(4), scanMax: random.below(20))
      case 6:
        if underWrite == nil { underWrite = take() }
      default:
        guard let changes = underWrite else { continue }
        let isWritten = random.below(3) != 0
        if isWritten { for change in changes { store[change.key] = change.number } }
        table.checkpointEnded(isWritten: isWritten)
        underWrite = nil
      }
    }
    table.checkpointEnded(isWritten: false)
    for change in take() { store[change.key] = change.number }
    table.checkpointEnded(isWritten: true)
    #expect(store == model, "seed \(seed)")
    #expect(table.dirtyCount == 0)
  }
}

/// Source: https://prng.di.unimi.it/splitmix64.c
private struct SplitMix {
  var state: UInt64

  mutating func below(_ bound: Int) -> Int {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return Int((z ^ (z >> 31)) % UInt64(bound))
  }
}
