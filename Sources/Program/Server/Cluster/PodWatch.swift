import Clocks
import Ports
import Kafka
import Model
import Peers
import Postgres
import Redis
import Synchronization
import Telemetry
import Lanes

/// Watches a pod's servers and peers on its own thread: reports when one becomes unavailable and when it is back. Now
/// and then it asks Kafka how much retention has left.
public final class PodWatch: Sendable {
  private let isEnding = Signal()
  private let thread = Mutex<BackgroundThread?>(nil)

  /// Begins.
  /// - Parameters:
  ///   - lookMilliseconds: the time between two looks.
  ///   - onReplaced: called once, on the thread, when a newer pod has this one's name: this one should stop. Must not
  ///     call `end` itself.
  /// - Throws: `BootFailure` if the system cannot start a thread.
  public init(
    _ pod: Pod, _ journal: Log, lookMilliseconds: Int = 1_000, onReplaced: @escaping @Sendable () -> Void
  ) throws(BootFailure) {
    let rounds = WatchRounds(
      pod: pod, journal: journal, lookMilliseconds: lookMilliseconds, onReplaced: onReplaced, isEnding: isEnding)
    guard let watching = BackgroundThread("pod-watch", { rounds.run() }) else {
      throw BootFailure("pod", "the system cannot start a thread that watches its servers")
    }
    thread.withLock { $0 = watching }
  }

  deinit { end() }

  /// Ends, and waits for that: a query to the brokers may be under way.
  public func end() {
    let watching = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    guard let watching else { return }
    isEnding.set()
    watching.join()
  }
}

/// What the thread of a `PodWatch` does.
struct WatchRounds: Sendable {
  /// How many looks apart the brokers are asked.
  static let looksPerQuestion = 60

  let pod: Pod
  let journal: Log
  let lookMilliseconds: Int
  let onReplaced: @Sendable () -> Void
  let isEnding: Signal

  func run() {
    var news = ServerNews()
    var kafka = ServerState("Kafka", isWell: true)
    var looks = 0
    var absences = Absences()
    var isReplaced = false
    while !isEnding.wait(milliseconds: lookMilliseconds) {
      looks += 1
      if looks % Self.looksPerQuestion == 0 { kafka = askBrokers() }
      for change in news.changes(look() + [kafka]) { report(change) }
      let pods = pod.ownership.snapshot().pods.values.filter { $0.name != pod.identity.name }
      for gone in absences.over(pods, pod.mesh.statuses, at: MonotonicClock.milliseconds) {
        journal.warning("a pod disappeared", ["pod": LogValue(gone.name)])
        pod.ownership.forget(gone)
      }
      if pod.isReplaced, !isReplaced {
        isReplaced = true
        journal.error("a newer pod has this one's name", ["pod": LogValue(pod.identity.name)])
        onReplaced()
      }
    }
  }

  private func report(_ state: ServerState) {
    if state.isWell {
      journal.info("available again", ["server": LogValue(state.name)])
    } else {
      journal.warning("unavailable", ["server": LogValue(state.name), "reason": LogValue(state.reason)])
    }
  }

  // MARK: Looking

  private func look() -> [ServerState] {
    let stores = pod.stores.sorted { $0.key.rawValue < $1.key.rawValue }.map { _, store in Self.state(store.status) }
    let peers = pod.mesh.statuses.map(Self.state)
    guard !pod.redis.isEmpty else { return stores + peers }
    let isAsked = pod.redis.contains { $0.figures.isAsked }
    return stores + peers + [ServerState("Redis", isWell: isAsked, reason: "prices come from the stock service")]
  }

  static func state(_ status: PostgresStatus) -> ServerState {
    ServerState(status.name, isWell: status.isConnected, reason: status.failure ?? "not connected")
  }

  static func state(_ status: PeerStatus) -> ServerState {
    let reason =
      switch status.state {
      case .connected: ""
      case .connecting: "not connected"
      case .silent: "it is silent"
      case .refused(let refusal): "it refuses this pod: \(refusal)"
      }
    return ServerState("pod \(status.name)", isWell: status.state == .connected, reason: reason)
  }

  /// Refreshes what `KafkaRecordLog.margins` relies on.
  private func askBrokers() -> ServerState {
    let owned = pod.log.announced
    do {
      if !owned.isEmpty { _ = try pod.log.readBounds(of: owned) }
      return ServerState("Kafka", isWell: true)
    } catch {
      return ServerState("Kafka", isWell: false, reason: error.message)
    }
  }
}
