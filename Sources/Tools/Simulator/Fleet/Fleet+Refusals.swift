import Model
import PartitionCore
import Streams
import Tenancy

// What owners say of their ingest logs, and where refused commands go.

extension Fleet {
  /// Refusals are written to where refused commands go; later their owner hears it.
  func writeRefusals() {
    guard let (_, _, seat) = seatWithBrokers(where: { !$0.refusals.isEmpty || !$0.reported.isEmpty }) else { return }
    if !seat.reported.isEmpty, seat.refusals.isEmpty || random.percent(50) {
      for request in seat.reported { seat.tenancy.replyReceived(request) }
      seat.reported = []
      return
    }
    for refusal in seat.refusals.prefix(random.within(1...3)) {
      auditor.reported(refusal)
      seat.reported.append(refusal.request)
      tally.ingestRefused += 1
    }
    seat.refusals.removeAll { seat.reported.contains($0.request) }
  }

  /// What an owner says of its ingest log.
  func noteIngest(_ actions: TenancyActions, _ slot: Int, _ seat: Seat) {
    for word in actions.acknowledgements where word.source == .ingest {
      auditor.judgeIngested(through: word.number, by: slot)
      seat.ingest?.durable(through: word.number)
    }
    for refusal in actions.refusals {
      judge(refusal)
      let isKnown = seat.refusals.contains { $0.request == refusal.request }
      if !isKnown { seat.refusals.append(refusal) }
    }
  }
}
