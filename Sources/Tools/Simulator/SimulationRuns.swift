/// Many runs, one seed after another; the body of `kassa sim`.
public struct SimulationRuns: Sendable {
  public let firstSeed: UInt64
  public let seedCount: Int
  public let steps: Int
  public let bug: PlantedBug?

  public init(firstSeed: UInt64, seedCount: Int, steps: Int, bug: PlantedBug? = nil) {
    self.firstSeed = firstSeed
    self.seedCount = seedCount
    self.steps = steps
    self.bug = bug
  }

  /// The result of the runs.
  public struct Summary: Sendable {
    public var seedsRun = 0
    public var tally = Tally()
    /// The first seed whose run failed, and why; the runs end there.
    public var failure: (seed: UInt64, violation: String)?
    /// A hash of all runs' hashes.
    public var hash: UInt64 { runs.value }
    fileprivate var runs = RunHash()
  }

  /// Runs until a seed fails or all have been run. `progress` is called after each seed, with the result so far.
  public func run(progress: (Summary) -> Void = { _ in }) -> Summary {
    var summary = Summary()
    for place in 0..<max(0, seedCount) {
      let seed = firstSeed &+ UInt64(place)
      let result = Simulation(seed: seed, steps: steps, bug: bug).run()
      summary.seedsRun += 1
      summary.tally.add(result.tally)
      summary.runs.fold(result.hash)
      if let violation = result.violation {
        summary.failure = (seed, violation)
        break
      }
      progress(summary)
    }
    return summary
  }
}
