import Model
import PartitionCore
import Streams

/// What stands in `golden.txt` of the words between the runs of pods.
extension GoldenCases {
  static let mesh: [(name: String, message: String, value: Decoded)] = meshFrames.map {
    ($0, "MeshFrame", .meshFrame($1))
  }

  private static let meshFrames: [(String, [MeshMessage])] = [
    ("mesh-owns", [.owns(tenant, stock), .owns(highest, orders)]),
    ("mesh-released", [.released(by: tenant, stock, to: highest), .released(by: highest, orders, to: lowest)]),
    (
      "mesh-hellos",
      [.hello(.session(session), orders, tenant, asker: 0), .hello(.partition(orders), stock, lowest, asker: 0)]
    ),
    (
      "mesh-commands",
      [
        .commands(
          StreamFrame(
            source: .session(session), destination: orders, owner: tenant, first: 300,
            inputs: [
              .command(checkout, deadline: nil), .command(checkout, deadline: 0), .command(checkout, deadline: 30_000),
              .command(checkout, deadline: -1), .command(checkout, deadline: 253_402_300_799_999),
              .command(checkout, deadline: -253_402_300_799_999), .message(.paid(attempt)),
            ], asOf: time)),
        .commands(
          StreamFrame(
            source: .session(other), destination: orders, owner: lowest, first: last,
            inputs: [.command(checkout, deadline: nil)])),
      ]
    ),
    (
      "mesh-messages",
      [
        .messages(
          StreamFrame(
            source: .partition(stock), destination: orders, owner: tenant, first: 1, inputs: messages.map(\.1)))
      ]
    ),
    ("mesh-receipts", [.repliesReceived([], stock, tenant), .repliesReceived([request, nobody], stock, tenant)]),
    (
      "mesh-reads",
      ([.order(order), .item(item), .user(user), .payment(user, order)] as [Query]).map { .read($0, request) }
    ),
    (
      "mesh-greetings",
      [
        .greeting(
          StreamGreeting(
            source: .session(session), destination: stock, owner: tenant, number: last, now: time,
            asOf: Timestamp(milliseconds: 253_402_300_799_999))),
        .greeting(StreamGreeting(source: .partition(orders), destination: stock, owner: tenant, number: 0)),
      ]
    ),
    (
      "mesh-acknowledgements",
      [
        .acknowledgement(
          StreamAcknowledgement(
            source: .session(session), destination: stock, owner: tenant, number: last, asOf: time)),
        .acknowledgement(
          StreamAcknowledgement(source: .partition(orders), destination: stock, owner: tenant, number: 1)),
      ]
    ),
    (
      "mesh-gaps",
      [
        .gap(StreamGap(source: .session(session), destination: stock, owner: tenant, expected: 0)),
        .gap(StreamGap(source: .partition(orders), destination: stock, owner: tenant, expected: last)),
      ]
    ),
    ("mesh-not-mine", [.notMine(stock, tenant)]),
    (
      "mesh-replies",
      [
        .replies(
          [
            .outcome(Reply(request: request, outcome: .created(id: "item-7"))),
            .outcome(Reply(request: request, outcome: .refused(.orderPaid(order)), isReplayed: true)),
            .skipped(request, .overloaded), .skipped(nobody, .setAside),
          ], stock, tenant)
      ]
    ),
    ("mesh-answers", views.map { .answer(request, $0) }),
    ("mesh-reads-forwarded", [.readForwarded(request)]),
    (
      "mesh-reads-refused",
      [
        RequestRefusal.overloaded, .stopping, .starting, .logFailed, .outcomeUnknown,
        .partitionStopped(PartitionID(.stock, 63)),
      ].map { .readRefused(request, $0) }
    ),
  ]

  private static let tenant = OwnerID(epoch: 3, run: 0xfedc_ba98_7654_3210)
  private static let lowest = OwnerID(epoch: 1, run: 0)
  private static let highest = OwnerID(epoch: .max, run: .max)
  private static let stock = PartitionID(.stock, 63)
  private static let orders = PartitionID(.orders, 0)
  private static let nobody = RequestID(incarnation: 0, lane: 0, number: 0)
  private static let checkout = ClientCommand(
    request: request, idempotency: nil, trace: nil, command: .orders(.checkout(order)))
}
