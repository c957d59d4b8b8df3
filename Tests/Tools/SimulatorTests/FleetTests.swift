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
      (\.undecidable, 3),
      (\.reads, 5_000), (\.readsForwarded, 500), (\.records, 15_000), (\.voidRecords, 1_000), (\.unknownAppends, 500),
      (\.repeatedAppends, 100), (\.takeovers, 2_000), (\.superseded, 200), (\.lost, 200), (\.left, 50), (\.stopped, 30),
      (\.releases, 50), (\.leaseWaits, 500), (\.crashes, 200), (\.pauses, 200), (\.cuts, 200), (\.disconnects, 500),
      (\.refusedInputs, 50), (\.gaps, 50), (\.clockJumps, 100), (\.limitsChanged, 500), (\.checkpointsAfterEnd, 1),
      (\.loadsOvertaken, 1), (\.loads, 5_000), (\.checkpoints, 5_000), (\.evictions, 5_000), (\.fenced, 100),
      (\.setBack, 3),
      (\.restored, 50), (\.poisoned, 50), (\.amputated, 50), (\.parked, 3),
      (\.sweeps, 500), (\.ordersRemoved, 80), (\.paymentsForgotten, 1), (\.ordersSpared, 5),
      (\.fed, 5_000), (\.ingestReread, 400), (\.ingestRefused, 500), (\.ingestStopped, 20),
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

  /// Each process has its own order of hash tables; a run knows nothing of it.
  @Test func oneSeedIsOneRunInEveryProcess() async throws {
    var lines: [[String]] = []
    for _ in 0..<2 {
      let result = try await #require(processExitsWith: .success, observing: [\.standardOutputContent]) {
        let summary = FleetRuns(firstSeed: 1, seedCount: 6, steps: 2_000).run()
        print("\nrun \(summary.hash) \(summary.tallyText)\nhashing \("kassa".hashValue)")
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

  /// Seeds that no run before this one had: what fails here fails again with the seed that is named.
  @Test func freshSeedsGoRight() {
    let first = UInt64.random(in: 10_000...(1 << 48))
    let summary = FleetRuns(firstSeed: first, seedCount: 20, steps: 3_000).run()
    if let failure = summary.failure {
      Issue.record("kassa-simulator --seed \(failure.seed) --seeds 1 --steps 3000: \(failure.violation)")
    }
  }

  /// Each planted mistake is found in ordinary fleets, most within a few seeds, by a violation that belongs to it. The
  /// rarest need a read in the last part of a lease, while the successor has answered already.
  @Test(arguments: TenancyBug.allCases)
  func aPlantedBugIsFound(_ bug: TenancyBug) throws {
    let summary = FleetRuns(
      firstSeed: 1, seedCount: Self.huntedSeeds, steps: 3_000, planted: .machine(bug),
      isPlain: Self.foundInPlainFleets.contains(bug)
    ).run()
    let failure = try #require(summary.failure, "\(bug) was not found in \(summary.seedsRun) seeds")
    let words = Self.violations[bug] ?? []
    #expect(words.contains { failure.violation.contains($0) }, "\(bug), seed \(failure.seed): \(failure.violation)")
  }

  /// The same for mistakes around the machine.
  @Test(arguments: PlantedBug.allCases)
  func aMistakeAroundTheMachineIsFound(_ bug: PlantedBug) throws {
    let summary = FleetRuns(firstSeed: 1, seedCount: Self.huntedSeeds, steps: 3_000, planted: .fleet(bug)).run()
    let failure = try #require(summary.failure, "\(bug) was not found in \(summary.seedsRun) seeds")
    let words = Self.violationsAround[bug] ?? []
    #expect(words.contains { failure.violation.contains($0) }, "\(bug), seed \(failure.seed): \(failure.violation)")
  }

  private static let huntedSeeds = 800
  /// They need a read in the last part of a lease: what takes turns from reads makes that too rare.
  private static let foundInPlainFleets: Set<TenancyBug> = [.noHoldBack, .leaseTwiceAsLong, .leaseFromReturn]

  /// What gives each mistake away.
  private static let violations: [TenancyBug: [String]] = [
    .latestOwnedWins: [
      "never announced itself", "of nobody", "before its record was durable", "lost a part", " sent ",
    ],
    .runNotCompared: [
      "in memory, the store", "of nobody", "before its record was durable", "follows where", " after ",
      "another record", "replays forever", "of a session", "not the one from before",
    ],
    .repetitionCounts: ["repeated", "another record"],
    .gapInLogIgnored: [" lacks ", "of a session", "follows where", "showed", " after ", "right is", "lost a part"],
    .voidAdvancesNumber: [
      "before its record was durable", "follows where", " after ", "lost a part", "of a session",
    ],
    .changedBytesAppendedAgain: [
      "after 0", " took input ", "another record", "before its record was durable", " sent ",
    ],
    .anyOffsetConfirms: ["before its record was durable", "of a session", " after ", "durable; its log has"],
    .shrunkenLogIgnored: ["before its record was durable"],
    .revealedBeforeMismatchIsRead: ["before its record was durable"],
    .stateKeptAfterOwnRecordWasVoid: [
      "showed", "before its record was durable", "replays forever", "of a session", "durable; its log has",
    ],
    .gapAdmitted: ["gap(expected", " took input "],
    .repetitionAdmitted: ["has two outcomes", " sent "],
    .acknowledgedWhenApplied: ["of a session", "lost a part", "never answered", "never got", "durable; its log has"],
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
    .parkedForgotten: ["never got", "never ended", " sent "],
    .ingestAcknowledgedWhenApplied: ["durable; its log has"],
    .ingestNumberNotCheckpointed: [" ingested input ", "is never taken"],
    .leaseNotChecked: ["showed"],
    .readDuringReplay: ["showed"],
    .noHoldBack: ["showed"],
    .leaseTwiceAsLong: ["showed"],
    .releasedWhileServing: ["showed", "never arrived", "in memory, the store", "the ledgers "],
    .leaseFromReturn: ["showed"],
    .readBeforeDurable: ["showed"],
    .fencedNeverAcquiresAgain: ["nobody owns"],
    .poisonNotLogged: ["never arrived", " took input ", "never ended"],
    .checkpointWithoutOutbox: ["never got", "lost a part", " sent "],
    .checkpointOfHeld: ["never answered", "never got", "lost a part", " sent "],
    .checkpointOfUnconfirmed: [
      " after ", "follows where", "lost a part", "of a session", "before its record was durable",
    ],
  ]

  private static let violationsAround: [PlantedBug: [String]] = [
    .chargedTwice: ["right is", "showed"],
    .releasedTwice: ["right is", "showed"],
    .partialHold: ["right is", "showed"],
    .linesNotMerged: ["right is", "showed"],
    .sweptUnderWay: [" sent forgetPayment", "showed order(nil)"],
    .forgottenUncounted: ["the ledgers "],
    .dirtyEvicted: ["right is", "showed", "in memory, the store", " sent "],
    .loadOlderThanMemory: ["right is", "showed", "in memory, the store", "before its record was durable"],
    .replyBeforeDurable: ["before its record was durable", " after ", "durable; its log has"],
    .timeFromClock: ["right is", "in memory, the store"],
    .limitsConfigured: ["right is", "decides under", "showed"],
    .epochNotCheckedAtWrite: ["right is", "showed", "in memory, the store", "of a session"],
    .staleZombieCheckpoint: ["right is", "showed", "in memory, the store", "of a session"],
    .offsetSavedApart: ["right is", "showed", "stopped at"],
    .idempotencyNotStored: ["right is", " lacks ["],
    .repliesNotStored: ["never answered"],
    .fenceIgnored: ["right is", "showed", "in memory, the store", "never checkpointed"],
    .sentAgainInNextSession: ["has two outcomes"],
    .ingestResumesAfterGap: [" comes next", "never took", "is never taken"],
  ]

  @Test func everyMistakeHasANameOfItsOwn() {
    let names = PlantedMistake.names
    #expect(Set(names).count == names.count)
    for name in names { #expect(PlantedMistake(named: name) != nil) }
    #expect(PlantedMistake(named: "dedupOf") == nil)
  }
}
