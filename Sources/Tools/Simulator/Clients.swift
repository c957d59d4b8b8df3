import Model

/// The clients of a simulated world: what they asked, what is in transit, and what they may ask again.
struct Clients {
  struct Request {
    let id: RequestID
    let command: Command
    let partition: PartitionID
    let token: IdempotencyToken?

    /// Some clients send a trace.
    var trace: TraceContext? {
      guard id.number % 3 == 0 else { return nil }
      return TraceContext(traceHigh: id.incarnation, traceLow: id.number, span: id.number, flags: 1)
    }
  }

  struct Read {
    let id: RequestID
    let query: Query
    /// What clients had been told when they asked.
    let since: Knowledge
  }

  static let waitingMax = 48
  static let readsMax = 24
  static let repeatableMax = 32
  static let recentMax = 6

  /// Commands not in the log yet.
  var transit: [Request] = []
  /// Requests whose clients wait.
  private(set) var waiting: [Request] = []
  /// Reads in transit to an owner, and reads that an owner has.
  var readsInTransit: [Read] = []
  private(set) var readsWaiting: [Read] = []
  /// What was recently shown to somebody or changed.
  private(set) var recent: [Query] = []
  /// Requests with an idempotency key, which may be sent again.
  private(set) var repeatable: [Request] = []
  var orders: [OrderID]
  private var incarnation: UInt64 = 1
  private var number: UInt64 = 0
  private let swarm: Swarm

  init(swarm: Swarm) {
    self.swarm = swarm
    orders = (0..<3).map { OrderID(unchecked: String($0)) }
  }

  var hasTransit: Bool { !transit.isEmpty }

  mutating func nextNumber() -> UInt64 {
    number += 1
    return number
  }

  mutating func nextID() -> RequestID {
    RequestID(incarnation: incarnation, lane: 0, number: nextNumber())
  }

  mutating func send(_ request: Request) {
    transit.append(request)
    waiting.append(request)
    guard request.token != nil else { return }
    repeatable.append(request)
    if repeatable.count > Self.repeatableMax { repeatable.removeFirst() }
  }

  /// The request a reply is for; nil if nobody waits for it.
  mutating func take(_ id: RequestID) -> Request? {
    waiting.firstIndex { $0.id == id }.map { waiting.remove(at: $0) }
  }

  /// A process died: its clients hear nothing, and what they sent arrives or does not. Returns how many waited.
  mutating func crash(_ pod: Int, of podCount: Int, _ random: inout SeededRandom) -> Int {
    func isThere(_ id: RequestID) -> Bool { Int(id.number % UInt64(podCount)) == pod }
    let before = waiting.count
    waiting.removeAll { isThere($0.id) }
    var arriving: [Request] = []
    for request in transit where !isThere(request.id) || random.percent(50) { arriving.append(request) }
    transit = arriving
    return before - waiting.count
  }

  /// Somebody knows what a key shows: the next reader must not see anything older.
  mutating func told(_ query: Query) {
    recent.append(query)
    if recent.count > Self.recentMax { recent.removeFirst() }
  }

  /// A read that an owner did not answer goes to whoever owns the partition now.
  mutating func askAgain(_ id: RequestID) {
    if let read = takeRead(id) { readsInTransit.append(read) }
  }

  mutating func wait(for read: Read) { readsWaiting.append(read) }

  mutating func takeRead(_ id: RequestID) -> Read? {
    readsWaiting.firstIndex { $0.id == id }.map { readsWaiting.remove(at: $0) }
  }

  /// Forgets everybody who waits; returns the number of commands among them.
  mutating func crash() -> Int {
    defer {
      transit = []
      waiting = []
      readsInTransit = []
      readsWaiting = []
    }
    incarnation += 1
    return waiting.count
  }

  /// Makes room if too many reads wait.
  mutating func forgetOldReads() {
    if readsWaiting.count > Self.readsMax { readsWaiting.removeFirst(readsWaiting.count - Self.readsMax) }
    if readsInTransit.count > Self.readsMax { readsInTransit.removeFirst(readsInTransit.count - Self.readsMax) }
  }

  /// The commands that set up the shop: users with credit, items with stock, a few orders.
  func opening(_ layout: Layout) -> [Command] {
    let users = UserBatch(
      numbers: 0..<Int64(swarm.userCount), credit: Money(unchecked: swarm.startingCredit))
    let items = StockBatch(
      numbers: 0..<Int64(swarm.itemCount), stock: Quantity(unchecked: swarm.startingStock), price: Money(unchecked: 5))
    return [.payments(.batchInit(users)), .stock(.batchInit(items))]
  }
}

extension Command {
  /// The read that shows the command's effect; nil for a batch.
  var query: Query? {
    switch self {
    case .orders(.create(let id, _, _)), .orders(.remove(let id)), .orders(.addItem(let id, _, _, _)),
      .orders(.removeItem(let id, _)), .orders(.setItem(let id, _, _, _)),
      .orders(.checkout(let id)):
      .order(id)
    case .stock(.create(let id, _, _)), .stock(.add(let id, _)), .stock(.subtract(let id, _)): .item(id)
    case .payments(.create(let id, _)), .payments(.addFunds(let id, _)), .payments(.pay(let id, _, _)),
      .payments(.cancel(let id, _)):
      .user(id)
    case .orders(.batchInit), .stock(.batchInit), .payments(.batchInit): nil
    }
  }
}
