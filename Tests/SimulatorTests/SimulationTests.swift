import Testing

@testable import Simulator

@Suite struct SimulationTests {
  /// Many seeds, none of which goes wrong; and enough of everything happened, so that this says something.
  @Test func noSeedGoesWrong() throws {
    let summary = SimulationRuns(firstSeed: 1, seedCount: 70, steps: 3_000).run()
    if let failure = summary.failure {
      Issue.record("kassa sim --seed \(failure.seed) --seeds 1 --steps 3000: \(failure.violation)")
      return
    }
    let atLeast: [(KeyPath<Tally, Int>, Int)] = [
      (\.checkoutsPaid, 300), (\.checkoutsRefused, 300), (\.refusals, 500), (\.reads, 1_000), (\.replayed, 300),
      (\.unknown, 300), (\.appendsLost, 100), (\.records, 10_000), (\.recordsLost, 50), (\.machineCrashes, 50),
      (\.ownerCrashes, 100), (\.restarts, 100), (\.zombies, 100), (\.fenced, 100), (\.duplicates, 50),
      (\.redeliveries, 500), (\.repliesLost, 200), (\.evictions, 1_000), (\.loads, 3_000), (\.loadsFailed, 100),
      (\.checkpoints, 1_000), (\.checkpointsFailed, 100), (\.checkpointAnswersLost, 50), (\.parked, 30),
      (\.poisoned, 50), (\.gaps, 10), (\.clockJumps, 50), (\.overloads, 1),
      (\.superseded, 100), (\.steppedDown, 100), (\.farewells, 100), (\.lateFarewells, 10),
      (\.readsOfReplaced, 10), (\.controlsLost, 100), (\.pauses, 80), (\.cuts, 80),
    ]
    for (count, minimum) in atLeast {
      #expect(summary.tally[keyPath: count] >= minimum, "\(count)")
    }
  }

  @Test func oneSeedIsOneRun() {
    let first = Simulation(seed: 7, steps: 3_000).run()
    let second = Simulation(seed: 7, steps: 3_000).run()
    #expect(first.hash == second.hash)
    #expect(first.tally == second.tally)
    #expect(Simulation(seed: 8, steps: 3_000).run().hash != first.hash)
  }

  /// The auditor is no use if it does not bite: each planted mistake is found within a few seeds.
  @Test(arguments: PlantedBug.allCases)
  func aPlantedBugIsFound(_ bug: PlantedBug) {
    let summary = SimulationRuns(firstSeed: 1, seedCount: 60, steps: 3_000, bug: bug).run()
    #expect(summary.failure != nil, "\(bug) was not found in \(summary.seedsRun) seeds")
  }
}
