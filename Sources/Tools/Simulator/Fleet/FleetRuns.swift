/// Many fleets, one seed after another.
package struct FleetRuns: Sendable {
  package let firstSeed: UInt64
  package let seedCount: Int
  package let steps: Int
  let planted: PlantedMistake?
  let isPlain: Bool

  /// - Parameters:
  ///   - steps: events in each before it comes to rest.
  ///   - planted: a mistake of the machine or around it; only debug builds can plant one.
  ///   - isPlain: without ingest logs and sweeps, which take turns from everything else.
  package init(
    firstSeed: UInt64, seedCount: Int, steps: Int, planted: PlantedMistake? = nil, isPlain: Bool = false
  ) {
    self.firstSeed = firstSeed
    self.seedCount = seedCount
    self.steps = steps
    self.planted = planted
    self.isPlain = isPlain
  }

  /// The result of the runs.
  package struct Summary: Sendable {
    package var seedsRun = 0
    var tally = FleetTally()
    /// The first seed whose run failed, and why; the runs end there.
    package var failure: (seed: UInt64, violation: String)?
    /// A hash of everything that happened.
    package var hash: UInt64 { runs.value }
    fileprivate var runs = RunHash()
  }

  /// Runs until a seed fails or all have been run. `progress` is called after each seed, with the result so far.
  package func run(progress: (Summary) -> Void = { _ in }) -> Summary {
    var summary = Summary()
    for place in 0..<max(0, seedCount) {
      let seed = firstSeed &+ UInt64(place)
      let fleet = Fleet(seed: seed, planted: planted, isPlain: isPlain)
      fleet.run(steps: steps)
      summary.seedsRun += 1
      summary.tally.add(fleet.tally)
      summary.runs.fold(fleet.hash.value)
      if let violation = fleet.violation {
        summary.failure = (seed, violation)
        break
      }
      progress(summary)
    }
    return summary
  }
}

extension FleetRuns.Summary {
  /// How often each thing happened, as names and numbers.
  package var tallyText: String {
    Mirror(reflecting: tally).children.map { "\($0.label ?? "") \($0.value)" }.joined(separator: ", ")
  }
}
