import Clocks
import Model
import Postgres
import Telemetry

/// A pod's clock compared with the cluster's servers: a pod years ahead would take its partitions' time with it.
extension ServingClock {
  /// Why a pod cannot use this clock; nil if it can.
  ///
  /// - Parameters:
  ///   - whose: such as "Kafka's".
  ///   - other: what the other clock said, in milliseconds since 1970-01-01 UTC.
  ///   - sinceBoot: `BootClock.milliseconds` before it was asked.
  func complaint(about whose: String, saying other: Int64, askedAt sinceBoot: Int64) -> String? {
    guard let milliseconds = disagreement(with: other, askedAt: sinceBoot) else { return nil }
    let (theirs, own) = (UTCTime(milliseconds: other), UTCTime(milliseconds: now().milliseconds))
    let seconds = (abs(milliseconds) + 500) / 1_000
    return
      "\(whose) clock says \(theirs) and this pod's \(own): they are \(seconds) s apart, more than "
      + "clock-tolerance; correct the wrong one. With --accept-clock now a pod starts with the clock it has"
  }

  /// What a store checks before it acquires a partition.
  var question: PostgresStore.ClockQuestion {
    { [self] in
      let asked = BootClock.milliseconds
      return { self.complaint(about: "the database's", saying: $0, askedAt: asked) }
    }
  }
}
