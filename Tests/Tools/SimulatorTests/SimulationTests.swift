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
      (\.poisoned, 50), (\.gaps, 10), (\.clockJumps, 50), (\.limitsChanged, 200), (\.overloads, 1),
      (\.superseded, 100), (\.steppedDown, 100), (\.farewells, 100), (\.lateFarewells, 10),
      (\.readsOfReplaced, 10), (\.controlsLost, 100), (\.pauses, 80), (\.cuts, 80), (\.repliesLate, 100), (\.broken, 5),
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

  /// Seeds that no run before this one had: what fails here fails again with the seed that is named.
  @Test func freshSeedsGoRight() {
    let first = UInt64.random(in: 1_000...(1 << 48))
    print("kassa sim --seed \(first) --seeds 5 --steps 3000")
    let summary = SimulationRuns(firstSeed: first, seedCount: 5, steps: 3_000).run()
    if let failure = summary.failure {
      Issue.record("kassa sim --seed \(failure.seed) --seeds 1 --steps 3000: \(failure.violation)")
    }
  }

  /// Each process has its own order of hash tables; a run knows nothing of it.
  @Test func oneSeedIsOneRunInEveryProcess() async throws {
    var lines: [[String]] = []
    for _ in 0..<2 {
      let result = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
        let summary = SimulationRuns(firstSeed: 1, seedCount: 6, steps: 2_000).run()
        print("\nrun \(summary.hash) \(summary.tally)\nhashing \("kassa".hashValue)")
      }
      let text = String(decoding: result.standardOutputContent, as: UTF8.self)
      lines.append(
        ["run ", "hashing "].map { word in
          text.split(separator: "\n").first { $0.hasPrefix(word) }.map(String.init) ?? ""
        })
    }
    #expect(lines[0][0].hasPrefix("run ") && lines[0][0] == lines[1][0])
    #expect(lines[0][1] != lines[1][1], "both processes hash alike: unset SWIFT_DETERMINISTIC_HASHING")
  }

  /// The auditor is no use if it does not bite: each planted mistake is found within a few seeds.
  @Test(arguments: PlantedBug.allCases)
  func aPlantedBugIsFound(_ bug: PlantedBug) {
    let summary = SimulationRuns(firstSeed: 1, seedCount: 60, steps: 3_000, bug: bug).run()
    #expect(summary.failure != nil, "\(bug) was not found in \(summary.seedsRun) seeds")
  }
}
