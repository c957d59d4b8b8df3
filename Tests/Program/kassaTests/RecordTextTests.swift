import Audit
import Ports
import Model
import PartitionCore
import Streams
import Tenancy
import Testing

@testable import kassa

/// A record of a folder's log, as `kassa inspect record` shows it.
@Suite struct RecordTextTests {
  private let owner = OwnerID(epoch: 3, run: 0xab)

  private func text(_ record: LogRecord, _ standing: JudgedRecord.Standing = .counted) -> String {
    RecordText.describe(JudgedRecord(content: .record(record), standing: standing))
  }

  @Test func showsWhichCheckoutIsTheNewest() {
    #expect(InspectCommand.describe(attempt: 0) == "none")
    #expect(InspectCommand.describe(attempt: 3) == "3")
    #expect(InspectCommand.describe(attempt: 4_294_967_298) == "4294967298, number 3 of the partition")
  }

  @Test func showsAnOwner() throws {
    let owned = try #require(Owner(epoch: 3, incarnation: 0xab, address: "here:1"))
    #expect(
      text(.owned(owned), .void(.epochTaken)) == """
        record      a new owner at here:1
        owner       epoch 3, run ab
        counts      no: the epoch is not above the newest one

        """)
  }

  @Test func showsATurn() {
    let request = RequestID(incarnation: 1, lane: 0, number: 2)
    let command = ClientCommand(
      request: request, idempotency: IdempotencyToken(key: IdempotencyKey(unchecked: "k"), fingerprint: 1), trace: nil,
      command: .payments(.addFunds(UserID(unchecked: "u"), Money(unchecked: 7))))
    let stock = StreamSource.partition(PartitionID(.stock, 2))
    let attempt = AttemptID(order: OrderID(unchecked: "o"), number: 1)
    let turn = TurnRecord(
      owner: owner, number: 17, time: Timestamp(milliseconds: 86_400_000),
      controls: [.rules(version: 1), .limits(.initial), .released(epoch: 3)],
      entries: [
        LoggedInput(origin: nil, body: .command(command)),
        LoggedInput(origin: .init(source: stock, number: 5), body: .message(.commit(attempt))),
        LoggedInput(origin: .init(source: stock, number: 6), body: .skip(nil, .setAside)),
        LoggedInput(origin: nil, body: .skip(request, .expired)),
      ])
    let lines = text(.turn(turn)).split(separator: "\n").map(String.init)
    #expect(
      lines.prefix(5) == [
        "record      number 17", "owner       epoch 3, run ab", "time        1970-01-02T00:00:00.000Z",
        "counts      yes", "control     rules 1",
      ])
    #expect(lines[5].hasPrefix("control     limits: ") && lines[6] == "control     epoch 3 has ended")
    #expect(lines[7].hasPrefix("entry 0     command of request \(request), key k: ") && lines[7].contains("addFunds"))
    #expect(lines[8] == "entry 1     number 5 of stock-2: message: commit(o/1)")
    #expect(lines[9] == "entry 2     number 6 of stock-2: skipped: an operator set it aside")
    #expect(lines[10] == "entry 3     skipped of request \(request): its client had given up" && lines.count == 11)
  }

  @Test func saysWhyNothingCounts() {
    let turn = LogRecord.turn(TurnRecord(owner: owner, number: 1, time: .zero, entries: []))
    #expect(text(turn, .void(.repeated)).hasSuffix("counts      no: its number was already counted\n"))
    #expect(text(turn, .broken(at: 4, "why")).hasSuffix("counts      no: the partition stops at offset 4: why\n"))
    #expect(text(turn, .stored).contains("unknown: the log"))
    let bytes = JudgedRecord(content: .undecodable(reason: "no"), standing: .broken(at: 1, "it cannot be decoded: no"))
    #expect(RecordText.describe(bytes).hasPrefix("record      cannot be decoded: no\n"))
  }
}
