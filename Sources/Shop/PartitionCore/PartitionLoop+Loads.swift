import Model

// Keys that are not resident: asked of the store, one load at a time.

extension PartitionLoop {
  /// Applies everything that was delivered at once, for replaying a log without a lane. Returns the messages it caused.
  ///
  /// - Parameter load: returns what a store says about keys.
  /// - Throws: what `load` throws; what was applied by then stays applied.
  public mutating func run(load: ([EntityKey]) throws -> [EntityChange]) rethrows -> [Effects.Outbound] {
    var effects = Effects()
    while true {
      step(into: &effects)
      let keys = keysToLoad()
      guard !keys.isEmpty || canStep else { break }
      if !keys.isEmpty { loaded(try load(keys), into: &effects) }
    }
    appended(upTo: .zero)
    return effects.messages
  }

  func collectMissing(for entry: Entry, into keys: inout [EntityKey]) {
    switch entry.body {
    case .command(let command):
      state.collectMissing(for: command, into: &keys)
    case .message(let message):
      state.collectMissing(for: message.message, into: &keys)
    case .control:
      break
    }
  }

  /// Whether the first queued record can be applied; if not, asks for what it and the records after it need.
  mutating func collectMissing() -> Bool {
    var missing: [EntityKey] = []
    for (place, delivery) in queue.enumerated() {
      if case .record(let record) = delivery.content {
        for entry in record.entries { collectMissing(for: entry, into: &missing) }
      }
      if place == 0, missing.isEmpty { return true }
      if missing.count >= limits.loadKeysMax { break }
    }
    request(missing)
    isBlocked = true
    return false
  }

  mutating func request(_ keys: [EntityKey]) {
    for key in keys where requested.insert(key).inserted { toLoad.append(key) }
  }

  /// The keys to load now, in one query; empty while a load is under way or nothing is missing.
  public mutating func keysToLoad() -> [EntityKey] {
    guard status == .running, !toLoad.isEmpty, underLoad.isEmpty else { return [] }
    counters.loads += 1
    swap(&underLoad, &toLoad)
    return underLoad
  }

  /// Takes what the store said about the keys of the last load; a nil value does not exist there.
  ///
  /// - Parameter now: the owner's clock; only a `tenure` needs it.
  public mutating func loaded(_ rows: [EntityChange], at now: Int64 = 0, into effects: inout Effects) {
    endLoad()
    state.install(rows)
    answerWaiting(now, into: &effects)
  }

  /// Notes that the load failed; what still needs its keys asks again.
  public mutating func loadFailed() {
    endLoad()
    request(waitingReads.compactMap { state.machine.missing(for: $0.query) })
  }

  mutating func endLoad() {
    requested.subtract(underLoad)
    underLoad = []
    isBlocked = false
  }

  // MARK: What was read ahead

  /// Whether as much is delivered but not applied as is allowed.
  public var isCrowded: Bool { queue.entryCount >= limits.queuedEntriesMax }
  /// Whether enough of that was applied to make room for more.
  public var hasRoom: Bool { queue.entryCount <= limits.queuedEntriesMax / 2 }
}
