import Clocks

/// One run: set-up, measured phase, read-back, judgement.
///
/// It uses only the thread that calls `run`: the generator shares its machine with the server and must not take more of
/// it than it needs.
public final class LoadRun {
  public let configuration: LoadConfiguration
  let address: ServerAddress
  /// Where the measured calls go.
  private let measuredAddress: ServerAddress
  let world = World()
  let keyBook = KeyBook()
  let writer: CallWriter
  let endsAt: Int64
  var report: LoadReport
  private var phase = LoadPhase.settingUp
  /// Called after each call of the unmeasured phases, on the run's thread, with the number done and the total.
  public var onProgress: ((LoadPhase, _ done: Int, _ total: Int) -> Void)?

  /// - Throws: `LoadError` if a value is out of its range or the URL is invalid.
  public init(configuration: LoadConfiguration) throws(LoadError) {
    try configuration.validate()
    self.configuration = configuration
    address = try ServerAddress(url: configuration.url)
    measuredAddress =
      if let url = configuration.measuredURL { try ServerAddress(url: url) } else { address }
    var random = SystemRandomNumberGenerator()
    let prefix = "bench-" + String(random.next(), radix: 36)
    writer = CallWriter(
      world: world, host: address.authority, path: configuration.path, apiKey: configuration.apiKey,
      keyPrefix: prefix)
    endsAt = MonotonicClock.nanoseconds + .nanoseconds(configuration.runSecondsMax)
    report = LoadReport(configuration: configuration)
  }

  /// Does the run; once.
  /// - Throws: `LoadError` if the server cannot be reached or the set-up fails. Later failures are in the report.
  public func run() throws(LoadError) -> LoadReport {
    try refuseDividedPort()
    begin(.settingUp)
    try setUp()
    try measure()
    begin(.readingBack)
    try readBack()
    report.truth = Judge.judge(world)
    if configuration.usesIdempotencyKeys {
      begin(.replayingKeys)
      try replayKeys()
    }
    return report
  }

  private func begin(_ phase: LoadPhase) {
    self.phase = phase
    configuration.onPhase(phase)
  }

  func newKey() -> UInt32 { configuration.usesIdempotencyKeys ? keyBook.newKey() : 0 }

  func plan(timeoutSeconds: Double? = nil) -> PhasePlan {
    PhasePlan(
      timeoutNanoseconds: .nanoseconds(timeoutSeconds ?? configuration.requestTimeoutSeconds),
      triesMax: configuration.usesIdempotencyKeys ? configuration.triesMax : 1, endsAt: endsAt)
  }

  /// Opens connections for one phase; keeps trying while the server restarts, if the run is to survive that.
  func openPool(connections: Int, to other: ServerAddress? = nil) throws(LoadError) -> ConnectionPool {
    while true {
      do {
        return try ConnectionPool(to: other ?? address, count: connections, withinSeconds: 5)
      } catch {
        let now = MonotonicClock.nanoseconds
        guard configuration.usesIdempotencyKeys, now < endsAt else { throw error }
        MonotonicClock.wait(until: now + LoadLimits.backoff.longest)
      }
    }
  }

  /// Makes the calls 0 ..< `count` over its own pool, and returns the counts.
  func runAll(
    count: Int, timeoutSeconds: Double? = nil, call: @escaping (Int) -> Call,
    judge: @escaping (Call, CallResult) -> Verdict
  ) throws(LoadError) -> Tally {
    guard count > 0 else { return Tally() }
    let pool = try openPool(connections: min(count, LoadLimits.auxiliaryConnections))
    var done = 0
    let workload = CountedWorkload(count: count, call: call) { [self] call, result in
      done += 1
      onProgress?(phase, done, count)
      return judge(call, result)
    }
    let plan = plan(timeoutSeconds: timeoutSeconds)
    return Phase(pool: pool, workload: workload, writer: writer, world: world, plan: plan).run()
  }

  // MARK: The measured phase

  private func measure() throws(LoadError) {
    configuration.onPhase(.warmingUp)
    let pool = try openPool(connections: configuration.connectionCount, to: measuredAddress)
    var plan = plan()
    plan.warmupNanoseconds = .nanoseconds(configuration.warmupSeconds)
    plan.measuredNanoseconds = .nanoseconds(configuration.seconds)
    plan.keepsHistory = configuration.keepsHistory
    plan.keyBook = configuration.usesIdempotencyKeys ? keyBook : nil
    if let rate = configuration.ratePerSecond {
      ServerProcess.wakeOnTime()
      plan.pace = .open(
        ArrivalSchedule(
          ratePerSecond: rate, isPoisson: configuration.hasPoissonArrivals, seed: configuration.seed))
    }
    let serverPID = findServer()
    var serverAtStart: Double?
    var ownAtStart = 0.0
    plan.onMeasuring = { [configuration] in
      configuration.onPhase(.measuring)
      serverAtStart = serverPID.flatMap(ServerProcess.cpuSeconds)
      ownAtStart = ServerProcess.ownThreadCPUSeconds()
    }
    let tally = runMeasured(over: pool, plan)
    report.generatorCPUSeconds = ServerProcess.ownThreadCPUSeconds() - ownAtStart
    if let serverPID, serverPID == findServer(), let serverAtStart, let atEnd = ServerProcess.cpuSeconds(of: serverPID)
    {
      report.serverCPUSeconds = atEnd - serverAtStart
    }
    report.take(measured: tally)
    report.take(failuresOf: tally)
    if configuration.scenario.usesOrdersUp, report.measuredSeconds < configuration.seconds * 0.9,
      configuration.ratePerSecond == nil
    {
      report.notes.append(
        "the \(configuration.orderCount) orders were used up after \(report.measuredSeconds.text(2)) s of measuring")
    }
  }

  private func runMeasured(over pool: ConnectionPool, _ plan: PhasePlan) -> Tally {
    switch configuration.scenario {
    case .raw:
      let workload = CountedWorkload(count: .max, call: { _ in Call(kind: .get) }) { _, result in
        if case .answered(status: 200, _) = result { .expected } else { result.verdict }
      }
      return Phase(pool: pool, workload: workload, writer: writer, world: world, plan: plan).run()
    case .reads:
      let workload = ReadsWorkload(world: world, seed: configuration.seed)
      return Phase(pool: pool, workload: workload, writer: writer, world: world, plan: plan).run()
    case .mixed:
      let workload = MixedWorkload(world: world, orderCountMax: configuration.orderCount, seed: configuration.seed) {
        [self] in newKey()
      }
      return Phase(pool: pool, workload: workload, writer: writer, world: world, plan: plan).run()
    case .checkout, .hot, .scarce, .idle:
      let open = world.orders.indices.filter { world.orders[$0].answer == .notAsked }
      let allowsRefusals = configuration.scenario.allowsRefusals
      let workload = CountedWorkload(
        count: open.count, call: { [self] place in world.checkout(of: open[place], key: newKey()) },
        judge: { [world] call, result in
          world.settleCheckout(of: call.subject, result, allowsRefusals: allowsRefusals)
        })
      return Phase(pool: pool, workload: workload, writer: writer, world: world, plan: plan).run()
    }
  }

  /// Two servers share a port if both allow it; the kernel then divides the connections between them, and a run would
  /// see two shops as one.
  private func refuseDividedPort() throws(LoadError) {
    for address in [address, measuredAddress] where address.isLoopback && configuration.scenario != .raw {
      let servers = ServerProcess.listening(onPort: address.port)
      guard servers.count > 1 else { continue }
      let pids = servers.map(String.init).joined(separator: " and ")
      throw LoadError("processes \(pids) both listen on port \(address.port): the load would be divided between them")
    }
  }

  private func findServer() -> Int32? {
    if let given = configuration.serverPID { return given }
    return measuredAddress.isLoopback ? ServerProcess.listening(onPort: measuredAddress.port).first : nil
  }
}
