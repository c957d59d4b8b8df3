import Model
import Streams

/// Reads of one lane's clients that an owner has to answer, wherever it is: sent to the newest known one, and again
/// when that changes. A dead pod answers nothing, but its successor says who it is.
struct AskedReads {
  private struct Read {
    let query: Query
    let partition: PartitionID
    /// By the lane's clock, in milliseconds: by then its client got another answer long ago.
    let until: UInt64
    /// The owner it was sent to.
    var sentTo: OwnerID?
  }

  /// One read to send, and to whom.
  struct Sending {
    let number: UInt64
    let query: Query
    let partition: PartitionID
    let owner: OwnerID
  }

  private var reads: [UInt64: Read] = [:]
  /// Numbers of reads that nobody has, oldest first: to send in the next turn, or after a while.
  private var unsent: [UInt64] = []
  private var deferred: [UInt64] = []
  let readsMax: Int

  init(readsMax: Int) { self.readsMax = readsMax }

  var count: Int { reads.count }
  var hasUnsent: Bool { !unsent.isEmpty }

  /// Notes a read that has to be sent. Returns false when there are too many.
  mutating func add(_ number: UInt64, _ query: Query, _ partition: PartitionID, until: UInt64) -> Bool {
    guard reads.count < readsMax else { return false }
    reads[number] = Read(query: query, partition: partition, until: until)
    unsent.append(number)
    return true
  }

  /// The read was answered, or is no longer wanted.
  mutating func remove(_ number: UInt64) { reads[number] = nil }

  /// The pod that was asked does not own the partition, or could not be reached: ask again, after a while (two pods
  /// might send it back and forth while the map is stale).
  mutating func putBack(_ number: UInt64) {
    guard reads[number]?.sentTo != nil else { return }
    reads[number]?.sentTo = nil
    deferred.append(number)
  }

  /// The while is over, or the map has changed.
  mutating func retry() {
    unsent += deferred
    deferred = []
  }

  /// Takes the reads that can be sent now; those without a known owner are tried again after a while.
  mutating func takeSendable(_ owner: (PartitionID) -> OwnerID?) -> [Sending] {
    var sendings: [Sending] = []
    for number in unsent {
      guard let read = reads[number], read.sentTo == nil else { continue }
      if let owner = owner(read.partition) {
        reads[number]?.sentTo = owner
        sendings.append(Sending(number: number, query: read.query, partition: read.partition, owner: owner))
      } else {
        deferred.append(number)
      }
    }
    unsent.removeAll(keepingCapacity: true)
    return sendings
  }

  /// Takes back what was sent to an owner that is no longer the newest.
  mutating func disowned(_ owner: OwnerID, of partition: PartitionID) {
    for (number, read) in reads where read.sentTo == owner && read.partition == partition { putBack(number) }
    retry()
  }

  /// Forgets reads that nobody waits for.
  mutating func expire(_ now: UInt64) {
    reads = reads.filter { $0.value.until > now }
    unsent.removeAll { reads[$0] == nil }
    deferred.removeAll { reads[$0] == nil }
  }
}
