/// What a load run does to the server.
public enum Scenario: String, CaseIterable, Sendable {
  /// Prepared orders of two random items each, for many users; only checkouts are measured, each order once.
  case checkout
  /// As `checkout`, but every order contains the same item, and one other.
  case hot
  /// As `hot`, with less stock of that item than there are buyers.
  case scarce
  /// Finds existing orders, items and users, a third each.
  case reads
  /// Carts from creation to payment: of 10 calls 2 create an order, 4 add an item (1–3 units), 2 check out, 2 find an
  /// order of the run.
  case mixed
  /// As `checkout`, one at a time.
  case idle
  /// GETs one path and expects 200: works with any HTTP server, for comparison.
  case raw

  /// What it does, in one line.
  public var summary: String {
    switch self {
    case .checkout: "checkouts of orders with two random items"
    case .hot: "checkouts that all want the same item, and one other"
    case .scarce: "checkouts of an item that is not enough for everyone"
    case .reads: "lookups of orders, items and users"
    case .mixed: "carts created, filled, found and checked out"
    case .idle: "single checkouts, one after another"
    case .raw: "GETs of one path"
    }
  }

  /// Whether 409 "out of stock" is a right answer to a checkout.
  var allowsRefusals: Bool { self == .scarce }

  /// Whether a run can end because the orders are used up.
  var usesOrdersUp: Bool { self != .reads && self != .raw }

  /// Orders prepared by default; for `mixed`, the most that are created.
  public var ordersByDefault: Int {
    switch self {
    case .checkout, .mixed: 200_000
    case .hot, .scarce: 60_000
    case .reads, .idle, .raw: 20_000
    }
  }
}

/// Everything that defines a run. The same configuration sends the same requests to the same server.
public struct LoadConfiguration: Sendable {
  public var scenario: Scenario
  public var url: String
  /// Where the measured calls go, if not to `url`: one pod behind the gateway used for set-up and read-back.
  public var measuredURL: String?
  /// 1…`LoadLimits.connectionsMax`; always 1 for `idle`.
  public var connections = 64
  /// Arrivals per second of an open loop; nil: a closed loop, each connection as fast as it is answered.
  public var ratePerSecond: Double?
  /// Gaps between arrivals are random (exponential) instead of equal.
  public var hasPoissonArrivals = true
  public var warmupSeconds = 1.0
  /// How long calls are started after the warm-up; less if the orders are used up.
  public var seconds = 5.0
  public var users = 1_000
  public var items = 1_000
  /// nil: the scenario's default.
  public var orders: Int?
  /// Units of the item of `scarce`; nil: half as many as there are orders.
  public var scarceStock: Int?
  /// What `raw` gets.
  public var path = "/"
  /// Sent with every request, as `ID.SECRET`; nil if the server requires none.
  public var apiKey: String?
  public var seed: UInt64 = 1
  /// Sends an `Idempotency-Key` with every write, repeats what was lost or answered 429, 503 or 504 under the same key,
  /// and finally compares the answers under each key with those of the run. So a run survives restarts.
  public var usesIdempotencyKeys = false
  /// How often a call with a key is tried.
  public var triesMax = 60
  public var requestTimeoutSeconds = 12.0
  /// After this everything unfinished is given up, in any phase.
  public var runSecondsMax = 900.0
  /// Keeps a record of every call of the measured phase in the report.
  public var keepsHistory = false
  /// The process whose CPU time is reported; nil: the one that listens on the port, if it is on this machine.
  public var serverPID: Int32?
  /// Called at the start of each phase, on the run's thread.
  public var onPhase: @Sendable (LoadPhase) -> Void = { _ in }

  public init(scenario: Scenario, url: String = "http://127.0.0.1:8000") {
    self.scenario = scenario
    self.url = url
  }

  var orderCount: Int { orders ?? scenario.ordersByDefault }
  var connectionCount: Int { scenario == .idle ? 1 : connections }

  /// Each user's initial money: enough for every order of the run.
  static let creditAtStart: Int64 = 1_000_000_000_000
  /// Initial units of each item except the scarce one.
  static let stockAtStart: Int64 = 1_000_000_000
  static let price: Int64 = 10

  /// - Throws: `LoadError` about a value out of its range.
  func validate() throws(LoadError) {
    func check(_ name: String, _ value: Double, _ range: ClosedRange<Double>) throws(LoadError) {
      guard range.contains(value) else {
        throw LoadError("\(name) is \(value), but must be between \(range.lowerBound) and \(range.upperBound)")
      }
    }
    try check("connections", Double(connections), 1...Double(LoadLimits.connectionsMax))
    if let ratePerSecond { try check("rate", ratePerSecond, 0.1...LoadLimits.ratePerSecondMax) }
    try check("warmup", warmupSeconds, 0...LoadLimits.secondsMax)
    try check("seconds", seconds, 0.01...LoadLimits.secondsMax)
    try check("users", Double(users), 1...Double(LoadLimits.entitiesMax))
    try check("items", Double(items), 2...Double(LoadLimits.entitiesMax))
    try check("orders", Double(orderCount), 1...Double(LoadLimits.entitiesMax))
    if let scarceStock { try check("scarce stock", Double(scarceStock), 0...Double(LoadLimits.entitiesMax)) }
    guard path.hasPrefix("/"), path.utf8.count <= 1_024, path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw LoadError("the path \"\(path)\" does not start with / or contains something that a path cannot")
    }
    if let apiKey { try Self.check(apiKey: apiKey) }
    try check("tries", Double(triesMax), 1...1_000)
    try check("request timeout", requestTimeoutSeconds, 0.001...LoadLimits.secondsMax)
    try check("run time", runSecondsMax, 0.1...(4 * LoadLimits.secondsMax))
  }

  /// - Throws: `LoadError` if a header could not carry it.
  static func check(apiKey: String) throws(LoadError) {
    guard (1...256).contains(apiKey.utf8.count), apiKey.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
      throw LoadError("the API key is not one line of visible characters")
    }
  }
}

/// The phases of a run.
public enum LoadPhase: String, Sendable {
  case settingUp = "setting up"
  case warmingUp = "warming up"
  case measuring
  case readingBack = "reading back"
  case replayingKeys = "replaying keys"
}
