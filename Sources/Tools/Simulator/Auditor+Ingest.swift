import Model
import PartitionCore
import Streams

// What other systems write: each command is in the log once, in the order in which they wrote it.

extension Auditor {
  /// What other systems wrote to one partition's ingest log, and no record of the partition's log has taken.
  struct Feed {
    fileprivate(set) var untaken: [LoggedInput] = []
    /// What has this number or a lower one may be missing: retention has removed it, and an operator accepted that.
    fileprivate var lostThrough: UInt64 = 0
  }

  /// Another system has written a command, or something that is none.
  func wrote(_ input: LoggedInput, to slot: Int) { feeds[slot].untaken.append(input) }

  /// An operator lets a partition go on without what its ingest log no longer has.
  func acceptedLoss(through number: UInt64, of slot: Int) {
    feeds[slot].lostThrough = max(feeds[slot].lostThrough, number)
  }

  /// The number of the newest command of an ingest log that is durable in its partition.
  func ingested(_ slot: Int) -> UInt64 { numbers[slot][.ingest] ?? 0 }

  /// Whether everything that is not lost has been taken.
  func hasTakenAll(of slot: Int) -> Bool { next(of: slot) == nil }

  private func next(of slot: Int) -> LoggedInput? {
    feeds[slot].untaken.first { ($0.origin?.number ?? 0) > feeds[slot].lostThrough }
  }

  /// A record has an input of the ingest log.
  func ingest(_ entry: LoggedInput, _ number: UInt64) {
    let slot = current.slot
    let newest = ingested(slot)
    numbers[slot][.ingest] = number
    let lostThrough = feeds[slot].lostThrough
    feeds[slot].untaken.removeAll { input in
      let written = input.origin?.number ?? 0
      return written < number && written <= lostThrough
    }
    let partition = layout.partitions[slot]
    guard let next = feeds[slot].untaken.first, next.origin?.number == number else {
      let right = feeds[slot].untaken.first?.origin.map { "\($0.number)" } ?? "nothing"
      return fail("\(partition) ingested input \(number) after \(newest); \(right) comes next")
    }
    feeds[slot].untaken.removeFirst()
    if entry != next, entry != next.skipped(.undecidable) {
      fail("\(partition) ingested \(entry) as input \(number); \(next) was written")
    }
  }

  /// Judges an owner's statement that everything up to a number is durable.
  func judgeIngested(through number: UInt64, by slot: Int) {
    guard number > ingested(slot) else { return }
    fail("\(layout.partitions[slot]) called ingest input \(number) durable; its log has them up to \(ingested(slot))")
  }

  /// A refusal has been written to where refused commands go.
  func reported(_ refusal: CommandReply) {
    if !refusal.isRefusal { fail("request \(refusal.request) was called refused, and was not") }
    unreported.remove(refusal.request)
  }

  /// At the end everything that other systems wrote has been taken, and what was refused has been reported.
  func auditFeeds() {
    for (slot, partition) in layout.partitions.enumerated() {
      if let input = next(of: slot) { fail("\(partition) never took \(input) from its ingest log") }
    }
    if let request = unreported.min(by: { $0.number < $1.number }) {
      fail("the refusal of request \(request) was never reported")
    }
  }
}
