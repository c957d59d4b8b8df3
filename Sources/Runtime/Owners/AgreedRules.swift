import Model
import Ports
import Synchronization

/// The newest rules that every pod is known to follow.
///
/// A record of newer rules cannot be taken back, and a pod that does not know them can never take its partition over.
/// What is known of the pods may be wrong for a while: an old one may be paused, or its announcement under way. So
/// the rules rise only after all pods have known newer ones for some time, and fall immediately.
final class AgreedRules: Sendable {
  private let agreed: Atomic<UInt32>
  /// Newer ones that all pods know, and since when, by the lane's clock.
  private let rising: Mutex<(rules: UInt32, since: UInt64)?> = Mutex(nil)

  init(_ rules: UInt32) { agreed = Atomic(rules) }

  /// Read by every lane in each of its turns.
  var rules: UInt32 { agreed.load(ordering: .relaxed) }

  /// Notes which pods exist.
  func follow(_ map: OwnershipSnapshot, at now: UInt64, settlingMilliseconds: UInt64) {
    guard !map.pods.isEmpty else { return }
    let known = map.pods.values.reduce(Rules.current) { min($0, $1.rules) }
    rising.withLock { rising in
      guard known > rules else {
        rising = nil
        return agreed.store(known, ordering: .relaxed)
      }
      guard let candidate = rising, candidate.rules == known else {
        rising = (known, now)
        return
      }
      guard now >= candidate.since, now - candidate.since >= settlingMilliseconds else { return }
      rising = nil
      agreed.store(known, ordering: .relaxed)
    }
  }
}
