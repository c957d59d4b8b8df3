/// What happened in one or several runs, so that a run is not green because everything failed.
public struct Tally: Hashable, Sendable {
  public var requests = 0
  public var checkoutsPaid = 0
  public var checkoutsRefused = 0
  public var refusals = 0
  public var reads = 0
  /// Outcomes remembered under an idempotency key.
  public var replayed = 0
  /// Requests whose clients never got an answer.
  public var unknown = 0
  /// Appends that never happened, without the client being told.
  public var appendsLost = 0
  public var records = 0
  /// Records lost in a machine crash because they were not durable.
  public var recordsLost = 0
  public var machineCrashes = 0
  public var ownerCrashes = 0
  public var restarts = 0
  public var zombies = 0
  /// Loads and checkpoints of zombies that the store refused.
  public var fenced = 0
  /// Messages dropped because they were in a log more than once.
  public var duplicates = 0
  public var redeliveries = 0
  public var repliesLost = 0
  /// Replies that were in transit between two pods for a while.
  public var repliesLate = 0
  public var evictions = 0
  public var loads = 0
  public var loadsFailed = 0
  /// Loads whose answer was older than what the store held when it came.
  public var loadsOvertaken = 0
  public var checkpoints = 0
  public var checkpointsFailed = 0
  /// Checkpoints that were written although their owner was told they were not.
  public var checkpointAnswersLost = 0
  public var parked = 0
  public var poisoned = 0
  public var gaps = 0
  public var clockJumps = 0
  /// How often a partition got other limits to decide under.
  public var limitsChanged = 0
  public var overloads = 0
  /// Owners that read of their successor, or stepped down; and the `Released` they sent.
  public var superseded = 0
  public var steppedDown = 0
  public var farewells = 0
  /// `Released` of owners that never served.
  public var lateFarewells = 0
  /// Reads answered by an owner that had a successor in the store.
  public var readsOfReplaced = 0
  /// Control records of pods that never reached their log.
  public var controlsLost = 0
  /// Owners that ended because the log broke their partition.
  public var broken = 0
  public var pauses = 0
  public var cuts = 0

  public init() {}

  /// Every count with its name, in declaration order.
  public var counts: [(name: String, count: Int)] {
    Mirror(reflecting: self).children.compactMap { child in
      guard let name = child.label, let count = child.value as? Int else { return nil }
      return (name, count)
    }
  }

  public mutating func add(_ other: Tally) {
    let names: [WritableKeyPath<Tally, Int>] = Self.all
    for name in names { self[keyPath: name] += other[keyPath: name] }
  }

  private static var all: [WritableKeyPath<Tally, Int>] {
    [
      \.requests, \.checkoutsPaid, \.checkoutsRefused, \.refusals, \.reads, \.replayed, \.unknown, \.appendsLost,
      \.records, \.recordsLost, \.machineCrashes, \.ownerCrashes, \.restarts, \.zombies, \.fenced, \.duplicates,
      \.redeliveries, \.repliesLost, \.repliesLate, \.evictions, \.loads, \.loadsFailed, \.loadsOvertaken,
      \.checkpoints, \.checkpointsFailed,
      \.checkpointAnswersLost, \.parked, \.poisoned, \.gaps, \.clockJumps, \.limitsChanged, \.overloads, \.superseded,
      \.steppedDown, \.farewells, \.lateFarewells, \.readsOfReplaced, \.controlsLost, \.broken, \.pauses, \.cuts,
    ]
  }
}
