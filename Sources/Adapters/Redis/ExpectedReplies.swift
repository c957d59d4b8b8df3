/// The replies that Redis owes, in the order in which they will arrive.
struct ExpectedReplies {
  enum Expectation {
    /// To `AUTH` and `SELECT`: anything but an error.
    case logIn
    /// The generation, which completes the log-in.
    case generation
    case prices(PriceRequest)
    case write
    case firstGeneration(UInt64)
    case removal(number: UInt64, generation: UInt64)
  }

  private var queue: [Expectation] = []
  private var head = 0
  /// The numbers of `prices`, `write`, `firstGeneration` and `removal`.
  private(set) var requests = 0
  private(set) var writes = 0
  private var firstGenerations = 0
  private var removals = 0

  var isEmpty: Bool { head == queue.count }
  var hasFirstGeneration: Bool { firstGenerations > 0 }
  var hasRemoval: Bool { removals > 0 }

  mutating func append(_ expectation: Expectation) {
    count(expectation, 1)
    queue.append(expectation)
  }

  mutating func popFirst() -> Expectation? {
    guard head < queue.count else { return nil }
    let first = queue[head]
    // The slot must not keep the request's waiters alive.
    queue[head] = .write
    head += 1
    if head == queue.count || head >= 1_024 {
      queue.removeFirst(head)
      head = 0
    }
    count(first, -1)
    return first
  }

  private mutating func count(_ expectation: Expectation, _ change: Int) {
    switch expectation {
    case .prices: requests += change
    case .write: writes += change
    case .firstGeneration: firstGenerations += change
    case .removal: removals += change
    case .logIn, .generation: break
    }
  }

  /// Lets `body` change each request under way, oldest first, until it returns false.
  mutating func forEachRequest(_ body: (inout PriceRequest) -> Bool) {
    guard requests > 0 else { return }
    for index in head..<queue.count {
      guard case .prices(var request) = queue[index] else { continue }
      let continues = body(&request)
      queue[index] = .prices(request)
      if !continues { return }
    }
  }

  mutating func forgetRequests() {
    forEachRequest {
      $0.isForgotten = true
      return true
    }
  }
}
