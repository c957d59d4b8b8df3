import Lanes
import Model
import PartitionCore
import Ports
import Streams
import Synchronization

/// What lanes and the threads of a `KafkaIngest` share.
final class IngestShared: Sendable {
  enum Request: Sendable {
    case follow(PartitionID, OwnerID, after: UInt64)
    case leave(PartitionID, OwnerID)
    case durable(PartitionID, OwnerID, UInt64)
  }

  /// A refusal to be written.
  struct Refusal: Sendable {
    let partition: PartitionID
    let owner: OwnerID
    let reply: CommandReply
  }

  private struct State: Sendable {
    var deliver: (@Sendable (IngestEvent) -> Bool)?
    /// A few for each turn of an owner, taken at once.
    var requests: [Request] = []
    /// By partition and number. Bounded by what tenures leave unreported (`TenancyLimits.unreportedRefusalsMax`).
    var refusals: [PartitionID: [UInt64: Refusal]] = [:]
    /// Whose refusals were written last.
    var lastRefused: PartitionID?
    var statistics = KafkaIngest.Statistics()
  }

  let wake: WakeDescriptor
  let refused = Signal()
  let report: @Sendable (KafkaEvent) -> Void
  private let state = Mutex(State())
  private let ending = Atomic(false)

  init(wake: WakeDescriptor, report: @escaping @Sendable (KafkaEvent) -> Void) {
    self.wake = wake
    self.report = report
  }

  var isEnding: Bool { ending.load(ordering: .acquiring) }

  func end() {
    ending.store(true, ordering: .releasing)
    wake.set()
    refused.set()
  }

  func attach(_ deliver: @escaping @Sendable (IngestEvent) -> Bool) { state.withLock { $0.deliver = deliver } }

  func ask(_ request: Request) {
    state.withLock { $0.requests.append(request) }
    wake.set()
  }

  func takeRequests() -> [Request] {
    state.withLock { state in
      defer { state.requests = [] }
      return state.requests
    }
  }

  func deliver(_ event: IngestEvent) -> Bool { state.withLock { $0.deliver }?(event) ?? false }

  // MARK: Refusals

  func refuse(_ refusals: [CommandReply], of partition: PartitionID, by owner: OwnerID) {
    state.withLock { state in
      for reply in refusals {
        state.refusals[partition, default: [:]][reply.request.number] = Refusal(
          partition: partition, owner: owner, reply: reply)
      }
    }
    refused.set()
  }

  /// Those of the next partition, ascending, at most `countMax`. One whose refusals cannot be written delays no other.
  func nextRefusals(_ countMax: Int) -> [Refusal] {
    state.withLock { state in
      let waiting = state.refusals.keys.sorted()
      let next = waiting.first { partition in state.lastRefused.map { partition > $0 } ?? true } ?? waiting.first
      guard let next, let own = state.refusals[next] else { return [] }
      state.lastRefused = next
      return own.sorted { $0.key < $1.key }.prefix(countMax).map(\.value)
    }
  }

  /// They are written: nobody has to write them again.
  func written(_ refusals: [Refusal]) {
    guard let partition = refusals.first?.partition else { return }
    state.withLock { state in
      for refusal in refusals { state.refusals[partition]?[refusal.reply.request.number] = nil }
      if state.refusals[partition]?.isEmpty == true { state.refusals[partition] = nil }
      state.statistics.refused[partition.service, default: 0] += UInt64(refusals.count)
    }
  }

  /// Its successor writes them.
  func dropRefusals(of partition: PartitionID, by owner: OwnerID) {
    state.withLock { state in
      let kept = state.refusals[partition]?.filter { $0.value.owner != owner } ?? [:]
      state.refusals[partition] = kept.isEmpty ? nil : kept
    }
  }

  // MARK: Figures

  var statistics: KafkaIngest.Statistics { state.withLock { $0.statistics } }

  func note(_ partition: PartitionID, _ figures: KafkaIngest.Figures) {
    state.withLock { $0.statistics.partitions[partition] = figures }
  }

  func forget(_ partition: PartitionID) { state.withLock { $0.statistics.partitions[partition] = nil } }

  func count(_ inputs: [LoggedInput], of service: Service) {
    guard !inputs.isEmpty else { return }
    state.withLock { $0.statistics.taken[service, default: 0] += UInt64(inputs.count) }
  }
}
