import Model
import PartitionCore
import Streams

/// Decides which records of a partition's log count.
///
/// The only judge for takeovers, for owners that read back, for tools and for the simulator. Two owners may write at
/// the same time, because one was replaced while it slept; producers repeat what they sent; a restored database issues
/// epochs again. Offsets reveal none of that. So each record names its tenure and its number, and this filter reads
/// them in the order of the log:
///
/// * `Owned` counts if its epoch is above every one that counted. An equal one is void: of two owners with one epoch,
///   the first in the log has it, for every reader and forever.
/// * A record of the newest tenure counts if its number is the next one. One already counted is void: a producer's
///   repetition. One after the next is a lost record, which nobody can fix.
/// * A record of an older tenure, or of another run under the same epoch, is void: a zombie wrote it.
/// * A record of a newer epoch whose `Owned` never came means a lost record, too.
///
/// Void records leave no trace in the state.
public struct RecordFilter: Hashable, Sendable {
  public enum Verdict: Hashable, Sendable {
    case counted
    case void(Void)
    /// The partition stops here.
    case broken(Broken)
  }

  /// Why a record leaves no trace.
  public enum Void: String, Hashable, Sendable {
    case olderEpoch = "it belongs to an older epoch"
    case otherRun = "another run owns this epoch"
    case epochTaken = "the epoch is not above the newest one"
    case repeated = "its number was already counted"
  }

  /// Why the log cannot be followed.
  public enum Broken: Hashable, Sendable, CustomStringConvertible {
    case missing(expected: UInt64, found: UInt64)
    case unannounced(OwnerID)

    public var description: String {
      switch self {
      case .missing(let expected, let found): "record \(found) comes where \(expected) is expected"
      case .unannounced(let owner): "a record of epoch \(owner.epoch), whose owner never announced itself"
      }
    }
  }

  /// The newest tenure; nil before the first.
  public private(set) var owner: OwnerID?
  /// The number of the newest counted record.
  public private(set) var number: UInt64
  let planted: TenancyBug?

  /// Starts after a checkpoint, with its tenure and number, or at the beginning of the log.
  public init(owner: OwnerID?, number: UInt64, planted: TenancyBug? = nil) {
    self.owner = owner
    self.number = number
    self.planted = planted
  }

  /// Judges the next record of the log.
  public mutating func judge(_ record: LogRecord) -> Verdict {
    switch record {
    case .owned(let owner): judge(OwnerID(epoch: owner.epoch, run: owner.incarnation))
    case .turn(let record): judge(record.owner, record.number)
    }
  }

  private mutating func judge(_ announced: OwnerID) -> Verdict {
    if let owner, announced.epoch <= owner.epoch, !planted.is(.latestOwnedWins) { return .void(.epochTaken) }
    owner = announced
    return .counted
  }

  /// Judges the next record of the log by its writer and its number.
  mutating func judge(_ writer: OwnerID, _ found: UInt64) -> Verdict {
    if let owner, writer.epoch < owner.epoch { return .void(.olderEpoch) }
    if let owner, writer.epoch == owner.epoch, writer.run != owner.run, !planted.is(.runNotCompared) {
      return .void(.otherRun)
    }
    guard let owner, writer.epoch == owner.epoch else { return .broken(.unannounced(writer)) }
    if found <= number, !planted.is(.repetitionCounts) {
      if planted.is(.voidAdvancesNumber) { number += 1 }
      return .void(.repeated)
    }
    guard found <= number + 1 || planted.is(.gapInLogIgnored) else {
      return .broken(.missing(expected: number + 1, found: found))
    }
    number = found
    return .counted
  }
}
