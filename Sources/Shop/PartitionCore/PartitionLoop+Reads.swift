import Model

// Reads, answered from memory: where partitions change owners, only while the owner's lease holds.

extension PartitionLoop {
  /// Answers a read from memory, or remembers it until its entity is loaded and the lease holds.
  ///
  /// - Parameter now: the owner's clock, read after the read had arrived; only a `tenure` needs it.
  public mutating func read(
    _ query: Query, for request: RequestID, at now: Int64 = 0, into effects: inout Effects
  ) -> ReadResult {
    guard case .running = status else { return .refused }
    if answer(query, request, now, into: &effects) { return .answered }
    guard waitingReads.count < limits.waitingReadsMax else { return .refused }
    wait(query, request)
    return .waiting
  }

  /// What a query's answer would be, and what it must wait for; nil if it cannot be answered from memory now.
  public mutating func look(_ query: Query, at now: Int64 = 0) -> (View, LogPosition)? {
    guard case .running = status, state.machine.missing(for: query) == nil, mayRead(now) else { return nil }
    return state.machine.view(of: query)
  }

  func mayRead(_ now: Int64) -> Bool { tenure?.mayRead(now) ?? true }

  private mutating func answer(
    _ query: Query, _ request: RequestID, _ now: Int64, into effects: inout Effects
  ) -> Bool {
    guard let (view, position) = look(query, at: now) else { return false }
    effects.answers.append(.init(request: request, view: view, revealedAt: position))
    return true
  }

  private mutating func wait(_ query: Query, _ request: RequestID) {
    waitingReads.append(WaitingRead(request: request, query: query))
    if let key = state.machine.missing(for: query) { self.request([key]) }
  }

  /// Answers the reads that waited for what is now present.
  mutating func answerWaiting(_ now: Int64, into effects: inout Effects) {
    let reads = waitingReads
    waitingReads = []
    for read in reads where !answer(read.query, read.request, now, into: &effects) {
      wait(read.query, read.request)
    }
  }

  /// Whether a read waits: for its entity, or for a lease.
  public var hasWaitingReads: Bool { !waitingReads.isEmpty }

  /// Gives up the waiting reads, for a partition that goes to another owner.
  public mutating func takeReadsToForward() -> [(query: Query, request: RequestID)] {
    defer { waitingReads = [] }
    return waitingReads.map { ($0.query, $0.request) }
  }

  /// Gives up the waiting reads, for a partition that stops.
  public mutating func takeWaitingReads() -> [RequestID] {
    defer { waitingReads = [] }
    return waitingReads.map(\.request)
  }
}
