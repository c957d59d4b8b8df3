import Model
import PartitionCore
import Streams

extension Arbitrary {
  /// The number of an input or a record.
  mutating func streamNumber() -> UInt64 { 1 + number(max: UInt64(Int64.max) - 1) }
  mutating func ownerID() -> OwnerID { OwnerID(epoch: 1 + number(max: .max - 1), run: number(max: .max)) }
  mutating func session() -> Session {
    Session(run: number(max: .max), lane: UInt16(number(max: 0xFFFF)), number: UInt32(number(max: UInt64(UInt32.max))))
  }

  /// Mostly a turn, with up to `entriesMax` inputs.
  mutating func logRecord(entriesMax: Int = 6) -> LogRecord {
    let address = "pod-\(below(100)).example:\(below(65_536))"
    if below(8) == 0, let owner = Owner(epoch: 1 + number(max: .max - 1), incarnation: bits(), address: address) {
      return .owned(owner)
    }
    var entries: [LoggedInput] = []
    for _ in 0..<below(entriesMax + 1) {
      entries.append(LoggedInput(origin: origin(after: entries.last?.origin), body: loggedBody()))
    }
    return .turn(
      TurnRecord(
        owner: ownerID(), number: streamNumber(), time: time(), controls: list(max: 2) { $0.control() },
        entries: entries))
  }

  /// Often the next one of the same stream, sometimes any other number of it.
  private mutating func origin(after previous: LoggedInput.Origin?) -> LoggedInput.Origin? {
    if let previous, below(3) > 0 {
      let isNext = flip() && previous.number < UInt64(Int64.max)
      return .init(source: previous.source, number: isNext ? previous.number + 1 : streamNumber())
    }
    return maybe { arbitrary in
      .init(
        source: arbitrary.pick([
          .partition(arbitrary.partition()), .session(arbitrary.session()), .ingest,
        ]),
        number: arbitrary.streamNumber())
    }
  }

  private mutating func loggedBody() -> LoggedInput.Body {
    switch below(5) {
    case 0, 1: .command(clientCommand())
    case 2, 3: .message(message())
    default: .skip(maybe { $0.request() }, pick(SkipReason.allCases))
    }
  }
}
