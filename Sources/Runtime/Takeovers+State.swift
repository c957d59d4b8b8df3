import Clocks
import Model

extension Takeovers {
  /// A partition to take over.
  struct Task {
    let partition: PartitionID
    var notBefore: UInt64
    let attempt: Int
  }

  /// What is assigned, what is held, and what waits to be taken over.
  struct State {
    /// The newest assignment.
    var assigned: Set<PartitionID> = []
    /// What this process owns or is taking over.
    var held: Set<PartitionID> = []
    var tasks: [Task] = []
    /// Those a thread is working on.
    var underWay: Set<PartitionID> = []
    /// The highest epoch that ended an owner's time here.
    var epochs: [PartitionID: UInt64] = [:]
    /// How often in a row a partition's log broke off before a checkpoint of it was written.
    var breaks: [PartitionID: Int] = [:]
    /// Why the newest attempt to take a partition over failed, or its owner's time here ended.
    var failures: [PartitionID: String] = [:]
    /// Services whose first assignment has not arrived, and partitions of the first ones that are still being
    /// replayed.
    var awaitedServices: Set<Service>
    var awaitedPartitions: Set<PartitionID> = []
    /// To be called once.
    var onReady: (@Sendable () -> Void)?
    var isClosed = false

    /// Notes one more break of a partition. Returns how long to wait before it is taken over again.
    mutating func brokeOff(_ partition: PartitionID, _ reason: String) -> UInt64 {
      let count = breaks[partition] ?? 0
      breaks[partition] = count + 1
      failures[partition] = reason
      return count == 0 ? 0 : UInt64(clamping: Takeovers.backoff.wait(after: count))
    }

    func wants(_ partition: PartitionID) -> Bool { assigned.contains(partition) && !isClosed }

    mutating func letGo(_ partition: PartitionID) {
      held.remove(partition)
      awaitedPartitions.remove(partition)
      failures[partition] = nil
      breaks[partition] = nil
    }

    /// The group now agrees with the log: a partition that another pod had, and that comes back, need no longer wait.
    mutating func recall(_ partitions: Set<PartitionID>) {
      for place in tasks.indices where partitions.contains(tasks[place].partition) {
        let task = tasks[place]
        if task.attempt == 0, breaks[task.partition] == nil { tasks[place].notBefore = 0 }
      }
    }

    /// Takes some of the due tasks, and leaves the other threads theirs. What failed before goes alone, so that it
    /// does not hold up the rest.
    mutating func takeDue(_ now: UInt64, of service: Service) -> [Task] {
      let due = tasks.indices.filter { tasks[$0].partition.service == service && tasks[$0].notBefore <= now }
      guard let first = due.first else { return [] }
      let together = tasks[first].attempt > 0 ? [first] : due.filter { tasks[$0].attempt == 0 }
      let taken = together.prefix(min(max(together.count / threadsOfService, togetherMin), togetherMax))
      defer { for place in taken.reversed() { tasks.remove(at: place) } }
      underWay.formUnion(taken.map { tasks[$0].partition })
      return taken.map { tasks[$0] }
    }
  }
}
