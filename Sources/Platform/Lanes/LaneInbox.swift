import Synchronization

/// What other threads hand to a lane: jobs of actors that live on it, and control work.
///
/// Jobs have no bound of their own: there are never more of them than tasks waiting for the lane's actors.
struct LaneInbox: ~Copyable {
  struct Content {
    var jobs: [UnownedJob] = []
    var work: [@Sendable () -> Void] = []
    var isClosed = false
  }

  private let content = Guarded(Content())
  /// Spares an idle turn the lock.
  private let isFilled = Atomic<Bool>(false)

  func add(_ job: UnownedJob) {
    content.withLock { $0.jobs.append(job) }
    isFilled.store(true, ordering: .releasing)
  }

  /// Whether there was room, and the lane had not ended.
  func add(_ work: @escaping @Sendable () -> Void, countMax: Int) -> Bool {
    let isAdded = content.withLock { content in
      guard !content.isClosed, content.work.count < countMax else { return false }
      content.work.append(work)
      return true
    }
    if isAdded { isFilled.store(true, ordering: .releasing) }
    return isAdded
  }

  /// Runs everything present, jobs first. Returns whether there was anything.
  func run(on executor: UnownedSerialExecutor) -> Bool {
    guard isFilled.exchange(false, ordering: .acquiring) else { return false }
    let taken = content.withLock { content in
      let taken = content
      content.jobs = []
      content.work = []
      return taken
    }
    for job in taken.jobs { job.runSynchronously(on: executor) }
    for work in taken.work { work() }
    return !taken.jobs.isEmpty || !taken.work.isEmpty
  }

  /// Takes no more work.
  func close() { content.withLock { $0.isClosed = true } }
}
