/// One run of a simulated world: the same seed, steps and bug give the same run, byte for byte.
public struct Simulation: Sendable {
  public let seed: UInt64
  /// Events before the world comes to rest.
  public let steps: Int
  public let bug: PlantedBug?

  public init(seed: UInt64, steps: Int, bug: PlantedBug? = nil) {
    self.seed = seed
    self.steps = steps
    self.bug = bug
  }

  /// The result of a run.
  public struct Result: Sendable {
    /// The first thing that was wrong; nil if nothing was.
    public let violation: String?
    public let tally: Tally
    /// A hash of everything that happened: records, answers and rows.
    public let hash: UInt64
  }

  public func run() -> Result {
    let world = World(seed: seed, bug: bug)
    world.run(steps: steps)
    return Result(violation: world.violation, tally: world.tally, hash: world.hash.value)
  }
}
