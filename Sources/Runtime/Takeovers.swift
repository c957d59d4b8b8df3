import Clocks
import Ports
import Glibc
import Model
import PartitionCore
import Synchronization
import Lanes

/// Takes over the partitions that the group assigns to this pod, on threads that may block.
///
/// Only taking over is decided here. Giving up is not: a pod that loses a partition keeps it until the log says that
/// another has it, so a partition that nobody else wants keeps its owner, and one that comes back never left.
final class Takeovers: Sendable {
  /// What a lane needs to become a partition's owner.
  struct Takeover: Sendable {
    let partition: PartitionID
    let ownership: Ownership
    let bounds: LogBounds
  }

  /// Asks which records some partitions have. Blocking.
  typealias ReadBounds = @Sendable ([PartitionID]) throws(LogFailure) -> [PartitionID: LogBounds]

  /// Why an owner's time ended here.
  enum Ending {
    /// Another one has it, or the store refused it: with this epoch at least.
    case superseded(by: UInt64)
    /// Nobody else has it, and what is in memory cannot be trusted: it is taken over immediately, above this epoch.
    case lost(above: UInt64, reason: String)
    /// The log lost something, or cannot deliver its records: nobody else wants it.
    case broken(reason: String)
  }

  /// Takeovers of a service at the same time: each waits for the service's store and the log. Services do not wait
  /// for each other's stores.
  static let threadsOfService = 4
  /// Partitions a thread takes over together, with one query to the log; more when more are due.
  static let togetherMin = 8
  static let togetherMax = 64
  /// In milliseconds, between attempts to take over one partition.
  static let backoff = Backoff(first: 100, longest: 5_000)

  private let boundsOf: ReadBounds
  private let store: any StateStore
  private let leaseMilliseconds: UInt64
  private let announcedEpoch: @Sendable (PartitionID) -> UInt64
  private let onTaken: @Sendable (PartitionID, _ epoch: UInt64, _ milliseconds: (store: UInt64, log: UInt64)) -> Void
  private let onFailure: @Sendable (PartitionID, String) -> Void
  private let state: Mutex<State>
  private let signals: [Service: [Signal]]
  private let threads = Mutex<[BackgroundThread]>([])

  /// - Parameters:
  ///   - announcedEpoch: the epoch of the newest owner that the map knows, 0 without one.
  ///   - onTaken: called on any thread when a partition has been acquired, with how long store and log took.
  ///   - onFailure: called on any thread with why a partition could not be taken over; it is tried again.
  init(
    readBounds: @escaping ReadBounds, store: any StateStore, owns: Set<Service>, leaseMilliseconds: Int64,
    announcedEpoch: @escaping @Sendable (PartitionID) -> UInt64,
    onTaken: @escaping @Sendable (PartitionID, UInt64, (store: UInt64, log: UInt64)) -> Void,
    onFailure: @escaping @Sendable (PartitionID, String) -> Void
  ) {
    boundsOf = readBounds
    self.store = store
    self.leaseMilliseconds = UInt64(clamping: leaseMilliseconds)
    self.announcedEpoch = announcedEpoch
    self.onTaken = onTaken
    self.onFailure = onFailure
    signals = Dictionary(uniqueKeysWithValues: owns.map { ($0, (0..<Self.threadsOfService).map { _ in Signal() }) })
    state = Mutex(State(awaitedServices: owns))
  }

  /// Starts the threads.
  ///
  /// - Parameters:
  ///   - install: makes a lane own a partition; returns whether the message reached the lane.
  ///   - onReady: called once, when the first assignment of each service has been taken over and replayed.
  func start(
    install: @escaping @Sendable (Takeover) -> Bool, onReady: @escaping @Sendable () -> Void
  ) {
    state.withLock { $0.onReady = onReady }
    let started = signals.flatMap { service, signals in
      signals.compactMap { signal in
        BackgroundThread("take-\(service.name)") { [self] in
          while let tasks = next(of: service, signal) { perform(tasks, install) }
        }
      }
    }
    threads.withLock { $0 = started }
    reportIfReady()
  }

  // MARK: What the group says

  /// The partitions of a service that are this pod's from now on.
  func assign(_ partitions: [PartitionID], of service: Service) {
    state.withLock { state in
      guard !state.isClosed else { return }
      state.assigned = state.assigned.filter { $0.service != service }.union(partitions)
      let isFirst = state.awaitedServices.remove(service) != nil
      state.recall(Set(partitions))
      for partition in partitions where state.held.insert(partition).inserted {
        state.tasks.append(Task(partition: partition, notBefore: 0, attempt: 0))
        if isFirst { state.awaitedPartitions.insert(partition) }
      }
    }
    wake(service)
    reportIfReady()
  }

  /// Nothing of a service is this pod's until the next assignment, which counts as part of its start, if that is not
  /// over.
  func revoke(_ service: Service) {
    state.withLock { state in
      state.assigned = state.assigned.filter { $0.service != service }
      if state.onReady != nil { state.awaitedServices.insert(service) }
    }
    wake(service)
  }

  /// Whether a failed takeover of a service is waiting.
  func isFailing(_ service: Service) -> Bool {
    pending.contains { $0.partition.service == service && $0.reason != nil }
  }

  // MARK: What lanes say

  /// A lane has applied what the log held when it took the partition over.
  func replayed(_ partition: PartitionID) {
    state.withLock { _ = $0.awaitedPartitions.remove(partition) }
    reportIfReady()
  }

  /// A lane no longer owns the partition. If the group still wants it here, it is taken over again: with a delay if
  /// another one has it, because the group may not yet say what the log says; and later each time if its log keeps
  /// breaking off.
  func left(_ partition: PartitionID, _ ending: Ending) {
    let isWanted = state.withLock { state in
      state.awaitedPartitions.remove(partition)
      let milliseconds: UInt64
      switch ending {
      case .superseded(let epoch):
        state.epochs[partition] = max(state.epochs[partition] ?? 0, epoch)
        milliseconds = 2 * leaseMilliseconds
      case .lost(let epoch, let reason):
        state.epochs[partition] = max(state.epochs[partition] ?? 0, epoch)
        milliseconds = state.brokeOff(partition, reason)
      case .broken(let reason):
        milliseconds = state.brokeOff(partition, reason)
      }
      guard state.wants(partition) else {
        state.letGo(partition)
        return false
      }
      state.tasks.append(Task(partition: partition, notBefore: Self.now + milliseconds, attempt: 0))
      return true
    }
    if isWanted { wake(partition.service) }
    reportIfReady()
  }

  /// The takeover failed on the lane.
  func failed(_ partition: PartitionID, _ reason: String) { retry(partition, attempt: 1, reason) }

  /// The first checkpoint of an owner has been written: what broke before is over.
  func settled(_ partition: PartitionID) {
    state.withLock { _ = $0.breaks.removeValue(forKey: partition) }
  }

  /// Partitions that are wanted but not owned.
  var pending: [PendingTakeover] {
    state.withLock { state in
      state.underWay.union(state.tasks.map(\.partition)).sorted().map { partition in
        PendingTakeover(partition: partition, reason: state.failures[partition])
      }
    }
  }

  private func reportIfReady() {
    let onReady = state.withLock { state -> (@Sendable () -> Void)? in
      guard !state.isClosed, state.awaitedServices.isEmpty, state.awaitedPartitions.isEmpty else { return nil }
      defer { state.onReady = nil }
      return state.onReady
    }
    onReady?()
  }

  // MARK: The threads

  private func wake(_ service: Service) {
    for signal in signals[service] ?? [] { signal.set() }
  }

  private func next(of service: Service, _ signal: Signal) -> [Task]? {
    while true {
      var waitMilliseconds = UInt64(Signal.waitMillisecondsMax)
      let (tasks, isClosed) = state.withLock { state -> ([Task], Bool) in
        let now = Self.now
        let tasks = state.takeDue(now, of: service)
        if tasks.isEmpty {
          for task in state.tasks where task.partition.service == service {
            waitMilliseconds = min(waitMilliseconds, task.notBefore - now)
          }
        }
        return (tasks, state.isClosed)
      }
      if !tasks.isEmpty { return tasks }
      if isClosed { return nil }
      _ = signal.wait(milliseconds: Int(waitMilliseconds))
    }
  }

  private func perform(_ all: [Task], _ install: (Takeover) -> Bool) {
    let tasks = all.filter { isWanted($0.partition) }
    let began = Self.now
    do throws(LogFailure) {
      // The log first: raising the epoch ends the predecessor's time, so only those who can begin theirs do it.
      let bounds = try tasks.isEmpty ? [:] : boundsOf(tasks.map(\.partition))
      let milliseconds = Self.now - began
      for task in tasks {
        perform(task, bounds[task.partition], logMilliseconds: milliseconds, install)
        state.withLock { _ = $0.underWay.remove(task.partition) }
      }
    } catch {
      for task in tasks { retry(task.partition, attempt: task.attempt + 1, "\(error)") }
    }
    state.withLock { $0.underWay.subtract(all.map(\.partition)) }
    if tasks.count < all.count { reportIfReady() }
  }

  private func perform(
    _ task: Task, _ bounds: LogBounds?, logMilliseconds: UInt64, _ install: (Takeover) -> Bool
  ) {
    let partition = task.partition
    guard isWanted(partition) else { return reportIfReady() }
    do {
      guard var bounds else { throw Self.noBounds(of: partition) }
      let began = Self.now
      let ownership = try store.acquire(partition, above: epochFloor(of: partition))
      let acquired = Self.now
      // A store that was set back issues epochs again. Under one it had before, a process would mistake the `Owned`
      // of an earlier tenure for that of the new one.
      state.withLock { $0.epochs[partition] = ownership.epoch }
      let offset = ownership.recovery.header?.offset ?? -1
      if bounds.refusal(after: offset, of: partition) != nil {
        // The predecessor may have continued in the meantime.
        bounds = try readBounds(of: partition)
        if let refusal = bounds.refusal(after: offset, of: partition) { throw refusal }
      }
      state.withLock { _ = $0.failures.removeValue(forKey: partition) }
      onTaken(partition, ownership.epoch, (acquired - began, logMilliseconds + Self.now - acquired))
      let takeover = Takeover(partition: partition, ownership: ownership, bounds: bounds)
      if !install(takeover) { retry(partition, attempt: task.attempt + 1, "its lane is too busy") }
    } catch {
      retry(partition, attempt: task.attempt + 1, "\(error)")
    }
  }

  /// Whether the group still wants it here; if not, it is given up.
  private func isWanted(_ partition: PartitionID) -> Bool {
    state.withLock { state in
      if state.wants(partition) { return true }
      state.letGo(partition)
      return false
    }
  }

  private func readBounds(of partition: PartitionID) throws(LogFailure) -> LogBounds {
    guard let bounds = try boundsOf([partition])[partition] else {
      throw Self.noBounds(of: partition)
    }
    return bounds
  }

  private static func noBounds(of partition: PartitionID) -> LogFailure {
    LogFailure(.read, "the log reports no bounds for \(partition)")
  }

  /// The highest epoch that an owner of the partition is known to have had. The store knows a higher one, unless it was
  /// restored from a backup: then its epochs are in the log after the checkpoint it was restored to.
  private func epochFloor(of partition: PartitionID) -> UInt64 {
    max(announcedEpoch(partition), state.withLock { $0.epochs[partition] } ?? 0)
  }

  private func retry(_ partition: PartitionID, attempt: Int, _ reason: String) {
    let isClosed = state.withLock { state in
      guard !state.isClosed else { return true }
      state.failures[partition] = reason
      let notBefore = Self.now + UInt64(clamping: Self.backoff.wait(after: attempt))
      state.tasks.append(Task(partition: partition, notBefore: notBefore, attempt: attempt))
      return false
    }
    if isClosed { return }
    onFailure(partition, reason)
    wake(partition.service)
  }

  private static var now: UInt64 { UInt64(clamping: MonotonicClock.milliseconds) }

  /// Takes over nothing more; what is under way ends with the store's answer.
  func end() {
    state.withLock { state in
      state.isClosed = true
      state.tasks = []
    }
    for service in signals.keys { wake(service) }
  }

  /// Waits until what was under way has ended; after `end`. A closed store keeps nobody waiting.
  func join() {
    let ending = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    for thread in ending { thread.join() }
  }
}
