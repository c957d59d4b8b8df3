import Tenancy

/// Mistakes that a fleet makes on purpose around the machine, or in a machine wrapped around the real one, to prove
/// that the auditor notices them. `TenancyBug` has those that the machine itself makes.
///
/// Debug builds only, as with `TenancyBug`.
package enum PlantedBug: String, CaseIterable, Hashable, Sendable {
  // Rules of the shop.
  /// A charge takes the money twice.
  case chargedTwice
  /// A release gives the units back twice.
  case releasedTwice
  /// A stop that cannot be held as a whole keeps its first line.
  case partialHold
  /// Two lines of one item are reserved one by one instead of merged.
  case linesNotMerged
  /// A sweep removes old orders whose checkout is under way.
  case sweptUnderWay
  /// The ledger does not say what became of the payment for a removed order.
  case forgottenUncounted

  // Memory.
  /// Dirty entities are forgotten.
  case dirtyEvicted
  /// A load's answer is used although memory holds something newer.
  case loadOlderThanMemory

  // The log.
  /// An append is reported as durable before it is in the log.
  case replyBeforeDurable
  /// A replay gives records its owner's time instead of their own.
  case timeFromClock
  /// A replay decides under its owner's configured limits, not under those of the log and the checkpoint.
  case limitsConfigured

  // The store.
  /// The store writes without checking the epoch.
  case epochNotCheckedAtWrite
  /// The store checks the epoch when a checkpoint is requested, not when it is written.
  case staleZombieCheckpoint
  /// Rows and header are written in two transactions.
  case offsetSavedApart
  /// The store keeps no idempotency keys.
  case idempotencyNotStored
  /// The store keeps no replies that have not been received.
  case repliesNotStored
  /// An owner that the store refused, because it was replaced or the store was set back, loads the current rows.
  case fenceIgnored

  // Clients' commands.
  /// What a forgotten session may have executed is sent again in the next one.
  case sentAgainInNextSession

  // Commands that other systems write.
  /// A reader of an ingest log that has lost what comes next goes on with the oldest record that is left.
  case ingestResumesAfterGap
}

extension Optional<PlantedBug> {
  /// Whether the fleet is to make this mistake.
  func `is`(_ bug: PlantedBug) -> Bool {
    #if PLANTED_BUGS
    return self == bug
    #else
    return false
    #endif
  }
}

/// A mistake of either kind; no two have one name.
package enum PlantedMistake: Hashable, Sendable {
  case machine(TenancyBug)
  case fleet(PlantedBug)

  package init?(named name: String) {
    if let bug = TenancyBug(rawValue: name) {
      self = .machine(bug)
    } else if let bug = PlantedBug(rawValue: name) {
      self = .fleet(bug)
    } else {
      return nil
    }
  }

  package static var names: [String] { TenancyBug.allCases.map(\.rawValue) + PlantedBug.allCases.map(\.rawValue) }

  /// Whether this program can make any.
  package static var arePossible: Bool {
    #if PLANTED_BUGS
    return true
    #else
    return false
    #endif
  }

  var machineBug: TenancyBug? { if case .machine(let bug) = self { bug } else { nil } }
  var fleetBug: PlantedBug? { if case .fleet(let bug) = self { bug } else { nil } }
}
