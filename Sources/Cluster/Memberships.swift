import KafkaLog
import Model
import PartitionRuntime
import Synchronization
import Telemetry
import Threads

/// Carries what the groups decide to the runtime: a thread for each membership, as each waits for its own events.
final class Memberships: Sendable {
  private let threads = Mutex<[BackgroundThread]>([])
  private let isEnding = Atomic<Bool>(false)

  /// Between two looks when a group says nothing: what an end may have to wait.
  private static let lookMilliseconds = 100

  init(_ members: [KafkaMember], _ runtime: Runtime, _ journal: Log) {
    let started = members.compactMap { member in
      BackgroundThread("group-\(member.service.name)") { [self] in
        while !isEnding.load(ordering: .acquiring) {
          member.waitForEvents(milliseconds: Self.lookMilliseconds)
          for event in member.takeEvents() { take(event, of: member.service, runtime, journal) }
        }
      }
    }
    threads.withLock { $0 = started }
  }

  private func take(_ event: MembershipEvent, of service: Service, _ runtime: Runtime, _ journal: Log) {
    journal.tell(event, of: service)
    switch event {
    case .assigned(let partitions): runtime.assign(partitions, of: service)
    // Nothing that is owned is given up for it: only nothing new is taken over.
    case .revoked: runtime.assign([], of: service)
    case .trouble: break
    }
  }

  /// Stops listening. Blocking.
  func end() {
    isEnding.store(true, ordering: .releasing)
    let ending = threads.withLock { threads in
      defer { threads = [] }
      return threads
    }
    for thread in ending { thread.join() }
  }
}
