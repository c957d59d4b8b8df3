import OperatorAPI
import Peers
import Telemetry

/// The state of a mesh at one moment.
struct PeerReading {
  let isReplaced: Bool
  let statuses: [PeerStatus]

  init(isReplaced: Bool, statuses: [PeerStatus]) {
    self.isReplaced = isReplaced
    self.statuses = statuses
  }

  init(_ mesh: PeerMesh) { self.init(isReplaced: mesh.isReplaced, statuses: mesh.statuses) }
}

/// What `/peers` shows: this pod, and the state of each other.
public enum PeersPage {
  /// The page for the operator port.
  public static func page(of mesh: PeerMesh, as identity: PeerIdentity, at address: String) -> OperatorPage {
    OperatorPage("/peers") { bytes(PeerReading(mesh), identity, address) }
  }

  static func bytes(_ reading: PeerReading, _ identity: PeerIdentity, _ address: String) -> [UInt8] {
    var json = JSONWriter(reserving: 256 + reading.statuses.count * 128)
    json.raw("{\"pod\":")
    json.string(identity.name)
    // A string: not every JSON reader has 64-bit integers.
    json.raw(",\"incarnation\":")
    json.string(String(identity.incarnation))
    json.raw(",\"address\":")
    json.string(address)
    json.raw(",\"is_replaced\":")
    json.bool(reading.isReplaced)
    json.raw(",\"peers\":[")
    for (place, status) in reading.statuses.enumerated() {
      if place > 0 { json.raw(",") }
      write(status, to: &json)
    }
    json.raw("]}")
    return json.bytes
  }

  private static func write(_ status: PeerStatus, to json: inout JSONWriter) {
    json.raw("{\"pod\":")
    json.string(status.name)
    json.raw(",\"state\":")
    json.string(name(of: status.state))
    json.raw(",\"refusal\":")
    if case .refused(let refusal) = status.state { json.string(name(of: refusal)) } else { json.raw("null") }
    json.raw(",\"queued_frames\":")
    json.number(UInt64(clamping: status.queuedFrames))
    json.raw(",\"queued_bytes\":")
    json.number(UInt64(clamping: status.queuedBytes))
    json.raw("}")
  }

  private static func name(of state: PeerState) -> StaticString {
    switch state {
    case .connecting: "connecting"
    case .connected: "connected"
    case .silent: "silent"
    case .refused: "refused"
    }
  }

  private static func name(of refusal: LinkRefusal) -> StaticString {
    switch refusal {
    case .otherCluster: "other_cluster"
    case .otherVersion: "other_version"
    case .otherPod: "other_pod"
    case .replaced: "replaced"
    case .tooMany: "too_many"
    case .itself: "itself"
    }
  }
}
