import PartitionCore

/// What one lane has for the lanes of other pods, until the end of a turn or a little longer.
///
/// A packet costs its sender and its receiver more than what is in it. Where a service has several pods, a turn has
/// little for each of them, so what nobody waits for, such as acknowledgements and commits, travels with the next
/// message to the same pod that somebody does wait for.
struct PodOutbox {
  /// A lane of another pod's run.
  struct Address: Hashable {
    let run: UInt64
    /// Taken modulo the lanes of that pod.
    let lane: UInt16
  }

  /// By run and lane.
  private var waiting: [UInt64: [UInt16: [MeshMessage]]] = [:]
  /// The runs for which something urgent waits.
  private var urgent: Set<UInt64> = []
  /// When everything goes, by the lane's clock.
  private var lazyDueAt: UInt64 = 0

  var isUrgent: Bool { !urgent.isEmpty }

  mutating func put(_ message: MeshMessage, to address: Address) {
    waiting[address.run, default: [:]][address.lane, default: []].append(message)
    if !message.isLazy { urgent.insert(address.run) }
  }

  /// Takes what is to be sent at the end of a turn: everything for runs with something urgent, and every
  /// `lazyMilliseconds` everything.
  mutating func take(at now: UInt64, lazyMilliseconds: UInt64) -> [(Address, [MeshMessage])] {
    if now >= lazyDueAt {
      lazyDueAt = now + lazyMilliseconds
      urgent.formUnion(waiting.keys)
    }
    guard !urgent.isEmpty else { return [] }
    var taken: [(Address, [MeshMessage])] = []
    for run in urgent {
      for (lane, messages) in waiting.removeValue(forKey: run) ?? [:] {
        taken.append((Address(run: run, lane: lane), messages))
      }
    }
    urgent.removeAll(keepingCapacity: true)
    return taken
  }
}
