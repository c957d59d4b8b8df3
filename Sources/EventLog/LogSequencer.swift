import Model

/// What a log that delivers early and commits in groups decides, as a value without threads or files: offsets,
/// owners' inboxes, and when the next group begins. The adapter guards it with one short lock.
///
/// **One queue.** Records of all partitions wait in one queue and are committed in its order. A message is appended
/// after the record that caused it, so no commit can hold an effect without its cause.
///
/// **A saga in one group.** A checkout hops over several partitions and lanes; each hop is appended while the one
/// before is not durable yet. A commit that began with the first hop would cost one fsync a hop. So a group begins
/// when nothing delivered is still being applied: `outstanding` counts the records in inboxes and those that were
/// taken and not given back. An owner gives back what it took by its next `take` or `hint`, by then it has appended
/// what they caused. When a hint leaves nothing outstanding, whatever the queue holds has no hop to come.
///
/// **No group waits for ever.** Every turn that appended or took something ends with a hint (the protocol's rule).
/// Consider the last hint after which the queue is not empty and nothing is being committed:
/// * nothing is outstanding: the group is due, and the adapter starts it under the same lock;
/// * something is outstanding: it lies in an inbox, whose owner was woken (on append, on take when something was
///   left, or by its own hint) and will take a turn, or it was taken and its owner is in a turn. That turn ends
///   with a hint, which is a later one: so it was not the last.
/// Hints are counted under the lock, so of two concurrent ones the second sees what the first gave back. The end of a
/// commit asks again, for hints that came meanwhile. An owner that is never quiet cannot hold up the others:
/// `groupHintsMax` hints, `groupRecordsDue` records or `groupBytesDue` bytes begin a group whatever is outstanding.
public struct LogSequencer<Body: LogBody>: Sendable {
  /// A record that waits to be written, or is being written.
  public struct Row: Sendable {
    public let delivery: Delivery
    public let body: Body
  }

  public let partitionCount: Int
  public let limits: LogLimits
  /// The position behind everything that is durable.
  public private(set) var durable: LogPosition
  /// Final once set.
  public private(set) var failure: LogFailure?

  private var last: LogPosition
  private var nextOffsets: [Int64]
  private var queued: [Row] = []
  private var queuedBytes = 0
  private var committing: [Row] = []
  private var isCommitting = false
  private var hints = 0
  private var outstanding = 0
  private var routes: [Route?]
  private var inboxes: [Inbox?] = []
  private var nextSubscription: UInt64 = 1

  /// Who owns a partition.
  private struct Route: Sendable {
    let inbox: Int
    let subscription: UInt64
    var isLive: Bool
  }

  private struct Inbox: Sendable {
    let owner: any LogOwner
    var deliveries: [Delivery] = []
    /// Deliveries that were taken and may still be being applied.
    var taken = 0
    /// A wake-up is on its way, or the owner is known to look again.
    var isWoken = false
    var partitions = 0
  }

  /// Starts behind `durable`, with the offset of each partition's next record, by `slot`.
  public init(partitionCount: Int, limits: LogLimits, durable: LogPosition, nextOffsets: [Int64]) {
    self.partitionCount = partitionCount
    self.limits = limits
    self.durable = durable
    last = durable
    let slots = partitionCount * Service.allCases.count
    self.nextOffsets = Array(nextOffsets.prefix(slots))
    self.nextOffsets += Array(repeating: 0, count: slots - self.nextOffsets.count)
    routes = Array(repeating: nil, count: slots)
  }

  /// The place of a partition in tables over all partitions; nil where there is no such partition.
  public static func slot(of partition: PartitionID, partitionCount: Int) -> Int? {
    guard Int(partition.index) < partitionCount else { return nil }
    return Int(partition.service.rawValue) * partitionCount + Int(partition.index)
  }

  private func slot(of partition: PartitionID) -> Int? { Self.slot(of: partition, partitionCount: partitionCount) }

  public func nextOffset(of partition: PartitionID) -> Int64? { slot(of: partition).map { nextOffsets[$0] } }

  /// Records that wait or are being written.
  public var pendingRecords: Int { queued.count + committing.count }

  // MARK: Appending

  /// Numbers the records, queues them, and delivers them to their owners. `wake` gets the owners to be woken once
  /// the lock is free.
  public mutating func append(
    _ appends: [Append], bodies: [Body], by owner: (any LogOwner)?, wake: inout [any LogOwner]
  ) throws(LogRefusal) -> LogPosition {
    guard failure == nil, appends.count == bodies.count else { throw .unavailable }
    try checkBounds(appends)
    for (append, body) in zip(appends, bodies) {
      guard let slot = slot(of: append.partition) else { continue }
      last = LogPosition(last.sequence + 1)
      let delivery = Delivery(
        partition: append.partition, offset: nextOffsets[slot], position: last, content: .record(append.record))
      nextOffsets[slot] += 1
      queued.append(Row(delivery: delivery, body: body))
      queuedBytes += body.byteCount
      if let route = routes[slot], route.isLive { deliver(delivery, to: route.inbox, by: owner, wake: &wake) }
    }
    return last
  }

  private func checkBounds(_ appends: [Append]) throws(LogRefusal) {
    var isRefusable = true
    var isInboxFull = false
    for append in appends {
      guard let slot = slot(of: append.partition) else { throw .unavailable }
      isRefusable = isRefusable && append.isRefusable
      if let route = routes[slot], let inbox = inboxes[route.inbox] {
        isInboxFull = isInboxFull || inbox.deliveries.count >= limits.inboxRecordsMax
      }
    }
    let isBehind = queued.count >= limits.queuedRecordsMax || queuedBytes >= limits.queuedBytesMax
    if isRefusable && (isBehind || isInboxFull) { throw .backlog }
  }

  private mutating func deliver(
    _ delivery: Delivery, to place: Int, by owner: (any LogOwner)?, wake: inout [any LogOwner]
  ) {
    guard inboxes[place] != nil else { return }
    inboxes[place]?.deliveries.append(delivery)
    outstanding += 1
    if inboxes[place]?.owner !== owner { self.wake(place, &wake) }
  }

  private mutating func wake(_ place: Int, _ wake: inout [any LogOwner]) {
    guard let inbox = inboxes[place], !inbox.isWoken else { return }
    inboxes[place]?.isWoken = true
    wake.append(inbox.owner)
  }

  // MARK: Taking

  /// Hands over up to `recordsMax` deliveries, and takes back what was handed over before.
  public mutating func take(
    by owner: any LogOwner, recordsMax: Int, wake: inout [any LogOwner]
  ) -> [Delivery] {
    guard let place = place(of: owner), var inbox = inboxes[place] else { return [] }
    inboxes[place] = nil
    outstanding -= inbox.taken
    inbox.isWoken = false
    var taken: [Delivery] = []
    if inbox.deliveries.count <= recordsMax {
      swap(&taken, &inbox.deliveries)
    } else {
      taken = Array(inbox.deliveries.prefix(max(recordsMax, 1)))
      inbox.deliveries.removeFirst(taken.count)
    }
    inbox.taken = taken.count
    let hasMore = !inbox.deliveries.isEmpty
    inboxes[place] = inbox
    if hasMore { self.wake(place, &wake) }
    return taken
  }

  /// Takes back what `owner` was handed, and counts the hint.
  public mutating func hint(by owner: (any LogOwner)?, wake: inout [any LogOwner]) {
    if let owner, let place = place(of: owner) {
      outstanding -= inboxes[place]?.taken ?? 0
      inboxes[place]?.taken = 0
      if inboxes[place]?.deliveries.isEmpty == false { self.wake(place, &wake) }
    }
    if !queued.isEmpty { hints += 1 }
  }

  private func place(of owner: any LogOwner) -> Int? {
    inboxes.firstIndex { $0?.owner === owner }
  }

  /// Deliveries that `owner` has not taken.
  public func inboxCount(of owner: any LogOwner) -> Int {
    place(of: owner).flatMap { inboxes[$0]?.deliveries.count } ?? 0
  }

  // MARK: Groups

  /// Whether so much waits that a group begins whatever is being applied.
  public var isGroupFull: Bool {
    canCommit && (queued.count >= limits.groupRecordsDue || queuedBytes >= limits.groupBytesDue)
  }

  /// Whether a group should begin now.
  public var isGroupDue: Bool {
    isGroupFull || (canCommit && hints > 0 && (outstanding <= 0 || hints >= limits.groupHintsMax))
  }

  private var canCommit: Bool { failure == nil && !isCommitting && !queued.isEmpty }

  /// Takes everything that waits as one group.
  public mutating func beginCommit() -> [Row] {
    guard canCommit else { return [] }
    isCommitting = true
    committing = queued
    queued = []
    queuedBytes = 0
    hints = 0
    return committing
  }

  /// Says that the group is durable. Returns its rows, to be released outside of the lock.
  public mutating func endCommit() -> [Row] {
    let rows = committing
    if let newest = rows.last { durable = newest.delivery.position }
    committing = []
    isCommitting = false
    return rows
  }

  /// Ends the log; the first failure stays. What was queued is never written.
  public mutating func fail(_ failure: LogFailure) {
    if self.failure == nil { self.failure = failure }
  }

  /// The owners, to be told that `durable` or `failure` changed.
  public var owners: [any LogOwner] { inboxes.compactMap { $0?.owner } }

  /// Lets go of the owners.
  public mutating func removeOwners() {
    inboxes = []
    routes = Array(repeating: nil, count: routes.count)
    outstanding = 0
  }

  // MARK: Subscriptions

  /// Makes `owner` the one that gets `partitions`, in place of whoever got them before. Nothing is delivered before
  /// `finishCatchUp`, but by `deliverCatchUp`. Returns the subscription's number.
  public mutating func subscribe(_ owner: any LogOwner, to partitions: [PartitionID]) -> UInt64 {
    for partition in partitions { leave(partition) }
    let place = place(of: owner) ?? freePlace(for: owner)
    let subscription = nextSubscription
    nextSubscription += 1
    for partition in partitions {
      guard let slot = slot(of: partition) else { continue }
      routes[slot] = Route(inbox: place, subscription: subscription, isLive: false)
      inboxes[place]?.partitions += 1
    }
    return subscription
  }

  private mutating func freePlace(for owner: any LogOwner) -> Int {
    if let free = inboxes.firstIndex(where: { $0 == nil }) {
      inboxes[free] = Inbox(owner: owner)
      return free
    }
    inboxes.append(Inbox(owner: owner))
    return inboxes.count - 1
  }

  /// Takes a partition away from its owner, with what it has not taken yet.
  public mutating func leave(_ partition: PartitionID) {
    guard let slot = slot(of: partition), let route = routes[slot], let before = inboxes[route.inbox] else { return }
    routes[slot] = nil
    let kept = before.deliveries.filter { $0.partition != partition }
    outstanding -= before.deliveries.count - kept.count
    inboxes[route.inbox]?.deliveries = kept
    inboxes[route.inbox]?.partitions -= 1
    if before.partitions == 1 {
      outstanding -= before.taken
      inboxes[route.inbox] = nil
    }
  }

  /// Hands records read from the log to the subscriber; what is no longer its own is dropped.
  public mutating func deliverCatchUp(
    _ deliveries: [Delivery], of subscription: UInt64, wake: inout [any LogOwner]
  ) {
    for delivery in deliveries {
      guard let slot = slot(of: delivery.partition), let route = routes[slot] else { continue }
      guard route.subscription == subscription, !route.isLive else { continue }
      deliver(delivery, to: route.inbox, by: nil, wake: &wake)
    }
  }

  /// Switches a subscription to early delivery, when its reader has read everything that is durable: hands over what
  /// waits to be written, and from then on every record as it is appended. Returns false when there is more to read.
  public mutating func finishCatchUp(
    of subscription: UInt64, readThrough: LogPosition, wake: inout [any LogOwner]
  ) -> Bool {
    guard readThrough >= durable else { return false }
    for rows in [committing, queued] {
      deliverCatchUp(rows.lazy.map(\.delivery).filter { $0.position > readThrough }, of: subscription, wake: &wake)
    }
    for slot in routes.indices where routes[slot]?.subscription == subscription { routes[slot]?.isLive = true }
    return true
  }

  /// Deliveries that the subscriber has not taken; nil when nobody has the subscription any more.
  public func inboxCount(of subscription: UInt64) -> Int? {
    guard let route = routes.first(where: { $0?.subscription == subscription }) ?? nil else { return nil }
    return inboxes[route.inbox]?.deliveries.count
  }
}
