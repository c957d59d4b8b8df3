import Model
import PartitionCore

/// The clients of a fleet: what they wait for, and what they may ask again.
struct FleetClients {
  struct Request {
    let id: RequestID
    let command: Command
    let partition: PartitionID
    let token: IdempotencyToken?
  }

  struct Read {
    let id: RequestID
    let query: Query
    /// What clients knew when they asked.
    let since: Knowledge
  }

  static let waitingMax = 48
  static let readsMax = 24
  static let repeatableMax = 32
  static let recentMax = 12

  private(set) var waiting: [Request] = []
  private(set) var repeatable: [Request] = []
  /// Reads that no owner has yet.
  var readsToAsk: [Read] = []
  private(set) var readsAsked: [Read] = []
  private(set) var recent: [Query] = []
  var orders: [OrderID] = (0..<3).map { OrderID(unchecked: String($0)) }
  private var number: UInt64 = 0

  mutating func nextNumber() -> UInt64 {
    number += 1
    return number
  }

  mutating func wait(for request: Request) {
    waiting.append(request)
    guard request.token != nil else { return }
    repeatable.append(request)
    if repeatable.count > Self.repeatableMax { repeatable.removeFirst() }
  }

  /// The request a reply is for; nil if nobody waits for it.
  mutating func take(_ id: RequestID) -> Request? {
    waiting.firstIndex { $0.id == id }.map { waiting.remove(at: $0) }
  }

  /// A pod's clients will hear nothing. Returns how many waited.
  mutating func crash(run: UInt64) -> Int {
    let before = waiting.count
    waiting.removeAll { $0.id.incarnation == run }
    readsAsked.removeAll { $0.id.incarnation == run }
    readsToAsk.removeAll { $0.id.incarnation == run }
    return before - waiting.count
  }

  mutating func asked(_ read: Read) {
    readsAsked.append(read)
    if readsAsked.count > Self.readsMax { readsAsked.removeFirst() }
  }

  mutating func takeRead(_ id: RequestID) -> Read? {
    readsAsked.firstIndex { $0.id == id }.map { readsAsked.remove(at: $0) }
  }

  /// A read that an owner did not answer goes to the partition's next owner.
  mutating func askAgain(_ id: RequestID) {
    guard let read = takeRead(id), readsToAsk.count < Self.readsMax else { return }
    readsToAsk.append(read)
  }

  /// Somebody knows what a key shows: the next reader must not see anything older.
  mutating func learned(_ query: Query) {
    recent.append(query)
    if recent.count > Self.recentMax { recent.removeFirst() }
  }

  /// The commands that set up the shop: users with credit and items with stock.
  func opening(_ swarm: FleetSwarm) -> [Command] {
    [
      .payments(
        .batchInit(
          UserBatch(numbers: 0..<Int64(swarm.userCount), credit: Money(unchecked: swarm.startingCredit)))),
      .stock(
        .batchInit(
          StockBatch(
            numbers: 0..<Int64(swarm.itemCount), stock: Quantity(unchecked: swarm.startingStock),
            price: Money(unchecked: 5)))),
    ]
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
    case .orders(.batchInit), .orders(.sweep), .stock(.batchInit), .payments(.batchInit): nil
    }
  }
}
