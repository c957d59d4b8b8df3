import Model
import PartitionCore
import Streams

/// What stands in `golden.txt` of logs with one writer a partition, and of their checkpoints.
extension GoldenCases {
  static let streams: [(name: String, message: String, value: Decoded)] =
    [
      ("log-owned", "LogRecord", .logRecord(.owned(owner))),
      ("log-empty", "LogRecord", turn([])),
      ("log-controls", "LogRecord", turn([], controls: [.limits(limits), .released(epoch: 3)])),
      ("log-embedded", "LogRecord", turn([input(nil), input(nil)])),
      (
        "log-sessions", "LogRecord",
        turn([
          input(.init(source: .session(session), number: 7)), input(.init(source: .session(session), number: 8)),
          input(.init(source: .session(session), number: 10)),
          // Lower than before, and the last there is.
          input(.init(source: .session(session), number: 9)), input(.init(source: .session(other), number: last)),
          input(nil), input(.init(source: .session(other), number: last)),
        ])
      ),
      (
        "log-skips", "LogRecord",
        turn([
          LoggedInput(origin: .init(source: .session(session), number: 1), body: .skip(request, .overloaded)),
          LoggedInput(origin: .init(source: .session(session), number: 2), body: .skip(nil, .expired)),
        ])
      ),
      (
        "log-ingest", "LogRecord",
        turn([
          input(.init(source: .ingest, number: 41)), LoggedInput(ingested: 47, nil),
          input(.init(source: .session(session), number: 9)),
        ])
      ),
      (
        "log-messages", "LogRecord",
        turn(
          messages.enumerated().map { place, message in
            LoggedInput(
              origin: .init(source: .partition(PartitionID(.stock, 63)), number: UInt64(place) + 300),
              body: .message(message.1))
          })
      ),
      ("reply-outcome", "StoredReply", .reply(.outcome(Reply(request: request, outcome: .created(id: "item-7"))))),
      (
        "reply-replayed", "StoredReply",
        .reply(.outcome(Reply(request: request, outcome: .refused(.orderPaid(order)), isReplayed: true)))
      ),
      ("reply-overloaded", "StoredReply", .reply(.skipped(request, .overloaded))),
      ("reply-expired", "StoredReply", .reply(.skipped(request, .expired))),
    ] + (messages + messagesOfRemovals).map { ("stream-\($0)", "StreamMessage", .streamMessage($1)) }

  static let last = UInt64(Int64.max)
  static let session = Session(run: 0x0123_4567_89ab_cdef, lane: 1, number: 300)
  static let other = Session(run: 0, lane: .max, number: 1)
  private static let owner = Owner(epoch: 3, incarnation: 0xfedc_ba98_7654_3210, address: "10.1.2.3:7000")!

  private static func input(_ origin: LoggedInput.Origin?) -> LoggedInput {
    LoggedInput(
      origin: origin,
      body: .command(
        ClientCommand(request: request, idempotency: nil, trace: nil, command: .orders(.checkout(order)))))
  }

  private static func turn(_ entries: [LoggedInput], controls: [Control] = []) -> Decoded {
    .logRecord(
      .turn(
        TurnRecord(
          owner: OwnerID(epoch: 3, run: 0xfedc_ba98_7654_3210), number: 300, time: time, controls: controls,
          entries: entries)))
  }

  static let streamHeaders: [(name: String, header: CheckpointHeader)] = [
    (
      "header-ingest",
      CheckpointHeader(
        partition: PartitionID(.stock, 1), owner: OwnerID(epoch: 3, run: 0xfedc_ba98_7654_3210), number: 300,
        offset: 4, now: time, rulesVersion: 1, limits: .initial, ledger: Ledger(),
        received: [
          .init(source: .session(session), number: 9, at: time), .init(source: .ingest, number: 47, at: .zero),
        ])
    ),
    (
      "header-streams",
      CheckpointHeader(
        partition: PartitionID(.orders, 0), owner: OwnerID(epoch: 3, run: 0xfedc_ba98_7654_3210), number: 300,
        offset: 4, now: time, rulesVersion: 1, limits: .initial, ledger: Ledger(),
        received: [
          .init(source: .partition(PartitionID(.stock, 63)), number: 7, at: .zero),
          .init(source: .partition(PartitionID(.payments, 0)), number: last, at: .zero),
          .init(source: .session(other), number: 1, at: time), .init(source: .session(session), number: 9, at: time),
        ],
        caused: [
          CausedCount(destination: PartitionID(.stock, 63), number: 1),
          CausedCount(destination: PartitionID(.payments, 0), number: last),
        ])
    ),
  ]
}
