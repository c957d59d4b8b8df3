import Clocks
import Ports
import Kafka
import Model
import Runtime
import Postgres
import Synchronization
import Telemetry
import Lanes

/// Passes the groups' decisions to the runtime: a thread for each membership, as each waits for its own events. Also
/// leaves a group while the service's database is unreachable and something waits for it.
final class Memberships: Sendable {
  private let threads = Mutex<[BackgroundThread]>([])
  private let isEnding = Atomic<Bool>(false)

  /// The time between two looks when a group says nothing: how long a stop may have to wait.
  private static let lookMilliseconds = 100

  /// - Parameter outageMilliseconds: how long takeovers of a service may fail while its database is away.
  init(
    _ members: [KafkaMember], _ stores: [Service: PostgresStore], outageMilliseconds: Int64, _ runtime: OwnerRuntime,
    _ journal: Log
  ) {
    let started = members.compactMap { member in
      BackgroundThread("group-\(member.service.name)") { [self] in
        var outage = StoreOutage(millisecondsMax: outageMilliseconds)
        while !isEnding.load(ordering: .acquiring) {
          member.waitForEvents(milliseconds: Self.lookMilliseconds)
          for event in member.takeEvents() { take(event, of: member.service, runtime, journal) }
          guard let store = stores[member.service] else { continue }
          let step = outage.look(
            isConnected: store.status.isConnected, isFailing: runtime.isFailingToTakeOver(member.service),
            at: MonotonicClock.milliseconds)
          if let step { perform(step, of: member, runtime, journal) }
        }
      }
    }
    threads.withLock { $0 = started }
  }

  private func take(_ event: MembershipEvent, of service: Service, _ runtime: OwnerRuntime, _ journal: Log) {
    journal.report(event, of: service)
    switch event {
    case .assigned(let partitions): runtime.assign(partitions, of: service)
    // This gives up nothing that is owned: it only takes over nothing new.
    case .revoked: runtime.revoke(service)
    case .trouble: break
    }
  }

  private func perform(_ step: StoreOutage.Step, of member: KafkaMember, _ runtime: OwnerRuntime, _ journal: Log) {
    let service = member.service
    switch step {
    case .stepAside:
      journal.warning(
        "left the group: partitions wait for a database that is unreachable", ["service": LogValue(service.name)])
      runtime.revoke(service)
      member.stepAside()
    case .join:
      journal.info("rejoining the group: the database answers again", ["service": LogValue(service.name)])
      do throws(LogFailure) {
        try member.join()
      } catch {
        journal.error("could not join the group", ["reason": LogValue(error.message)])
      }
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
