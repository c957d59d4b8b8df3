import Model
import Peers

/// Since when other pods have been unreachable: one that died silently would stay in everybody's map forever.
struct Absences {
  /// A pod not heard from for this long is gone. One that is merely cut off from here announces itself again.
  static let millisecondsMax: Int64 = 600_000

  /// By the incarnation of the run, in monotonic milliseconds.
  private var since: [UInt64: Int64] = [:]

  /// The pods absent for too long; each is reported again after the same time, if it is still in the map.
  mutating func over(_ pods: [PodAnnouncement], _ statuses: [PeerStatus], at now: Int64) -> [PodAnnouncement] {
    let states = Dictionary(statuses.map { ($0.name, $0.state) }, uniquingKeysWith: { $1 })
    let absent = pods.filter { Self.isAbsent(states[$0.name]) }
    var gone: [PodAnnouncement] = []
    var next: [UInt64: Int64] = [:]
    for pod in absent {
      let began = since[pod.incarnation] ?? now
      let isOver = now - began >= Self.millisecondsMax
      if isOver { gone.append(pod) }
      next[pod.incarnation] = isOver ? now : began
    }
    since = next
    return gone
  }

  /// - Parameter state: nil for a pod that is not followed.
  private static func isAbsent(_ state: PeerState?) -> Bool {
    switch state {
    case nil, .connecting, .silent, .refused(.otherPod): true
    // It answers, even if only to refuse.
    case .connected, .refused: false
    }
  }
}
