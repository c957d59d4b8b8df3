import Model

/// The receiving end of all streams of one partition: the highest number from each source in its log.
///
/// It is part of the partition's state: it changes only with what the log says, and is in each checkpoint, so every
/// replay admits the same inputs. Only the next number of a source is ever admitted; from the partition's ingest log,
/// whose offsets have gaps, any higher one.
///
/// **Sessions are forgotten by the partition's time only.** A row not used for `sessionLife` counts as absent, whether
/// or not it is still in memory: otherwise what is admitted would depend on when somebody tidied up. A sender that has
/// heard nothing for half of that life opens a new session, and a command that relies on an older answer is skipped, so
/// nobody ever misses a row.
public struct ReceivedNumbers: Hashable, Sendable {
  /// The highest number of one source.
  public struct Row: Hashable, Sendable {
    public let source: StreamSource
    public let number: UInt64
    /// The partition's time when it was last raised; zero for all but sessions: the others are never forgotten.
    public let at: Timestamp

    public init(source: StreamSource, number: UInt64, at: Timestamp) {
      self.source = source
      self.number = number
      self.at = at
    }
  }

  /// What becomes of a number.
  public enum Admission: Hashable, Sendable {
    case next
    /// It, or a later one, was admitted before.
    case repeated
    /// Something before it is missing: `expected` must come first.
    case gap(expected: UInt64)
    /// No such partition exists.
    case unknownSource
  }

  private struct Mark: Hashable, Sendable {
    var number: UInt64
    var at: Timestamp
  }

  private let partitionCount: Int
  private let sessionLifeMilliseconds: Int64
  private var partitions: [UInt64]
  private var sessions: [Session: Mark] = [:]
  private var ingest: UInt64 = 0

  /// - Parameters:
  ///   - partitionCount: partitions of each service.
  ///   - sessionLifeMilliseconds: how long an unused session is remembered, by the partition's time.
  public init(partitionCount: Int, sessionLifeMilliseconds: Int64) {
    self.partitionCount = partitionCount
    self.sessionLifeMilliseconds = sessionLifeMilliseconds
    partitions = Array(repeating: 0, count: partitionCount * Service.allCases.count)
  }

  public var sessionCount: Int { sessions.count }

  /// The highest number of a source; 0 for one that is unknown or forgotten, nil for a partition that does not exist.
  public func highest(of source: StreamSource, at now: Timestamp) -> UInt64? {
    switch source {
    case .partition(let partition): slot(of: partition).map { partitions[$0] }
    case .session(let session): sessions[session].map { isForgotten($0, at: now) ? 0 : $0.number } ?? 0
    case .ingest: ingest
    }
  }

  /// When a source was last used: it is remembered for its life from then on. Now if it is unknown.
  public func asOf(_ source: StreamSource, at now: Timestamp) -> Timestamp {
    guard case .session(let session) = source, let mark = sessions[session] else { return now }
    return mark.at
  }

  public func admission(of number: UInt64, from source: StreamSource, at now: Timestamp) -> Admission {
    guard let highest = highest(of: source, at: now) else { return .unknownSource }
    if number <= highest { return .repeated }
    if source == .ingest { return .next }
    return number == highest + 1 ? .next : .gap(expected: highest + 1)
  }

  /// Admits a number if it is the next one, and remembers it.
  public mutating func admit(_ number: UInt64, from source: StreamSource, at now: Timestamp) -> Admission {
    let admission = admission(of: number, from: source, at: now)
    if admission == .next { resume(source, after: number, at: now) }
    return admission
  }

  /// Lets a stream continue after a number, whatever came before: for what an operator set aside.
  public mutating func resume(_ source: StreamSource, after number: UInt64, at now: Timestamp) {
    switch source {
    case .partition(let partition): if let slot = slot(of: partition) { partitions[slot] = number }
    case .session(let session): sessions[session] = Mark(number: number, at: now)
    case .ingest: ingest = number
    }
  }

  /// Frees the memory of rows that already count as absent. Returns their sources.
  public mutating func dropForgotten(at now: Timestamp) -> [StreamSource] {
    let forgotten = sessions.filter { isForgotten($0.value, at: now) }.keys
    for session in forgotten { sessions[session] = nil }
    return forgotten.map { .session($0) }
  }

  /// All rows, in a fixed order: partitions, sessions, the ingest log.
  public func rows(at now: Timestamp) -> [Row] {
    var rows: [Row] = []
    for (slot, number) in partitions.enumerated() where number > 0 {
      guard let partition = PartitionID(slot: slot, of: partitionCount) else { continue }
      rows.append(Row(source: .partition(partition), number: number, at: .zero))
    }
    for (session, mark) in sessions.sorted(by: { $0.key < $1.key }) where !isForgotten(mark, at: now) {
      rows.append(Row(source: .session(session), number: mark.number, at: mark.at))
    }
    if ingest > 0 { rows.append(Row(source: .ingest, number: ingest, at: .zero)) }
    return rows
  }

  /// Takes over the rows of a checkpoint; rows of partitions that do not exist are ignored.
  public mutating func restore(_ rows: [Row]) {
    for row in rows {
      switch row.source {
      case .partition(let partition): if let slot = slot(of: partition) { partitions[slot] = row.number }
      case .session(let session): sessions[session] = Mark(number: row.number, at: row.at)
      case .ingest: ingest = row.number
      }
    }
  }

  private func isForgotten(_ mark: Mark, at now: Timestamp) -> Bool {
    now.milliseconds - mark.at.milliseconds > sessionLifeMilliseconds
  }

  private func slot(of partition: PartitionID) -> Int? { partition.slot(of: partitionCount) }
}
