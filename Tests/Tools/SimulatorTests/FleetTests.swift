import Tenancy
import Testing

@testable import Simulator

/// Fleets of pods in which each partition has one writer.
@Suite struct FleetTests {
  /// Many seeds, none of which goes wrong; and enough of everything happened, so that this says something.
  @Test func noSeedGoesWrong() {
    let summary = FleetRuns(firstSeed: 1, seedCount: 400, steps: 3_000).run()
    if let failure = summary.failure {
      Issue.record("kassa-simulator --seed \(failure.seed) --seeds 1 --steps 3000: \(failure.violation)")
      return
    }
    let atLeast: [(KeyPath<FleetTally, Int>, Int)] = [
      (\.requests, 20_000), (\.checkoutsPaid, 500), (\.checkoutsRefused, 1_000), (\.replayed, 300), (\.skipped, 300),
      (\.undecidable, 5),
      (\.reads, 5_000), (\.readsForwarded, 500), (\.records, 15_000), (\.voidRecords, 1_000), (\.unknownAppends, 500),
      (\.repeatedAppends, 100), (\.takeovers, 2_000), (\.superseded, 200), (\.lost, 200), (\.left, 50), (\.stopped, 30),
      (\.releases, 50), (\.leaseWaits, 500), (\.crashes, 200), (\.pauses, 200), (\.cuts, 200), (\.disconnects, 500),
      (\.gaps, 50), (\.loads, 5_000), (\.checkpoints, 5_000), (\.evictions, 5_000), (\.fenced, 100), (\.setBack, 3),
      (\.restored, 50), (\.poisoned, 50), (\.amputated, 50), (\.parked, 3),
    ]
    for (count, minimum) in atLeast {
      #expect(summary.tally[keyPath: count] >= minimum, "\(count)")
    }
  }

  @Test func oneSeedIsOneRun() {
    let first = FleetRuns(firstSeed: 7, seedCount: 3, steps: 2_000).run()
    let second = FleetRuns(firstSeed: 7, seedCount: 3, steps: 2_000).run()
    #expect(first.hash == second.hash)
    #expect(first.tally == second.tally)
    #expect(FleetRuns(firstSeed: 8, seedCount: 3, steps: 2_000).run().hash != first.hash)
  }

  /// Seeds that no run before this one had: what fails here fails again with the seed that is named.
  @Test func freshSeedsGoRight() {
    let first = UInt64.random(in: 10_000...(1 << 48))
    let summary = FleetRuns(firstSeed: first, seedCount: 20, steps: 3_000).run()
    if let failure = summary.failure {
      Issue.record("kassa-simulator --seed \(failure.seed) --seeds 1 --steps 3000: \(failure.violation)")
    }
  }

  /// Each planted mistake is found within the seeds of an ordinary run, by a violation that belongs to it. One is too
  /// seldom to be: a read in the second half of a lease that is twice as long, while the successor has answered already
  /// (`LeaseTests/aLeaseThatIsTwiceAsLongHoldsTooLong`).
  @Test(arguments: TenancyBug.allCases.filter { $0 != .leaseTwiceAsLong })
  func aPlantedBugIsFound(_ bug: TenancyBug) throws {
    let summary = FleetRuns(firstSeed: 1, seedCount: 400, steps: 3_000, planted: .machine(bug)).run()
    let failure = try #require(summary.failure, "\(bug) was not found in \(summary.seedsRun) seeds")
    let words = Self.violations[bug] ?? []
    #expect(words.contains { failure.violation.contains($0) }, "\(bug), seed \(failure.seed): \(failure.violation)")
  }

  /// The same for mistakes around the machine.
  @Test(arguments: FleetBug.allCases)
  func aMistakeAroundTheMachineIsFound(_ bug: FleetBug) throws {
    let summary = FleetRuns(firstSeed: 1, seedCount: 400, steps: 3_000, planted: .fleet(bug)).run()
    let failure = try #require(summary.failure, "\(bug) was not found in \(summary.seedsRun) seeds")
    let words = Self.violationsAround[bug] ?? []
    #expect(words.contains { failure.violation.contains($0) }, "\(bug), seed \(failure.seed): \(failure.violation)")
  }

  /// What gives each mistake away.
  private static let violations: [TenancyBug: [String]] = [
    .latestOwnedWins: [
      "never announced itself", "of nobody", "before its record was durable", "lost a part", " sent ",
    ],
    .runNotCompared: [
      "in memory, the store", "of nobody", "before its record was durable", "follows where", " after ",
      "another record", "replays for ever", "of a session",
    ],
    .repetitionCounts: ["repeated", "another record"],
    .voidAdvancesNumber: [
      "before its record was durable", "follows where", " after ", "lost a part", "of a session",
    ],
    .changedBytesAppendedAgain: [
      "after 0", " took input ", "another record", "before its record was durable", " sent ",
    ],
    .anyOffsetConfirms: ["before its record was durable", "of a session", " after "],
    .shrunkenLogIgnored: ["before its record was durable"],
    .revealedBeforeMismatchIsRead: ["before its record was durable"],
    .stateKeptAfterOwnRecordWasVoid: ["showed", "before its record was durable", "replays for ever", "of a session"],
    .gapAdmitted: ["gap(expected", " took input "],
    .acknowledgedWhenApplied: ["of a session", "lost a part", "never answered", "never got"],
    .repetitionAnsweredEarly: ["of a session", "lost a part", "never answered", "never got"],
    .refusedCommandExecuted: ["called skipped", "was refused"],
    .skipNotLogged: [" took input "],
    .greetingIgnored: ["never arrived"],
    .askedWhileReplaying: ["before it has replayed"],
    .inputsBeforeReplayEnds: [
      " took input ", "repeated", "gap(expected", "of a session", "follows where", "stopped at",
    ],
    .sentAgainOutOfOrder: ["never arrived"],
    .messageRefusedWhenDirty: ["never got", " sent ", "never ended"],
    // Seed 137 finds something else first, which is no fault of the lease: a partition that stops without need. Its way
    // there is not understood yet; no seed of an ordinary run takes it.
    .leaseFromReturn: ["showed", "lost a part"],
    .readBeforeDurable: ["showed"],
    .fencedNeverAcquiresAgain: ["nobody owns"],
    .poisonNotLogged: ["never arrived", " took input ", "never ended"],
    .checkpointWithoutOutbox: ["never got", "lost a part", " sent "],
    .checkpointOfUnconfirmed: [
      " after ", "follows where", "lost a part", "of a session", "before its record was durable",
    ],
  ]

  private static let violationsAround: [FleetBug: [String]] = [
    .chargedTwice: [],
  ]
}
