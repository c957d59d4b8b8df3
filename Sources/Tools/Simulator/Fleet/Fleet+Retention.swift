import Model
import PartitionCore

// What goes wrong with ingest logs, and what is left of them at the end.

extension Fleet {
  /// Retention removes the oldest records of an ingest log: some that were taken, seldom some that were not.
  func retain() {
    let slot = random.below(ingestLogs.count)
    let isTooEarly = random.percent(25)
    let taken = auditor.ingested(slot)
    ingestLogs[slot].remove(before: isTooEarly ? taken + UInt64(random.within(1...4)) : taken)
  }

  /// An operator has found out what is lost, and lets partitions go on without it.
  func skipLost() {
    for pod in pods {
      for (slot, seat) in pod.seats.enumerated() where seat?.ingest?.isStopped == true {
        ingestLogs[slot].acceptLoss()
        auditor.acceptedLoss(through: ingestLogs[slot].start, of: slot)
      }
    }
  }

  /// Why ingest logs keep a fleet from coming to rest; nil if they do not.
  var whatIsIngested: String? {
    for (slot, partition) in layout.partitions.enumerated() {
      if !auditor.hasTakenAll(of: slot) { return "the ingest log of \(partition) is never taken" }
      guard let seat = pods[wanted[slot]].seats[slot] else { continue }
      if !seat.refusals.isEmpty || !seat.reported.isEmpty { return "refusals of \(partition) are never reported" }
    }
    return nil
  }
}
