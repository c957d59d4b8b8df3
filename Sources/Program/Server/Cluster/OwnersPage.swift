import Model
import OperatorAPI
import Ports
import Telemetry

/// What `/owners` shows: the map of owners as this pod has it, and where every pod's operator port is.
enum OwnersPage {
  /// The page for the operator port.
  /// - Parameter partitionCount: of each service.
  static func page(of map: any OwnershipMap, partitionCount: Int) -> OperatorPage {
    OperatorPage("/owners") { bytes(map.snapshot(), partitionCount: partitionCount) }
  }

  static func bytes(_ snapshot: OwnershipSnapshot, partitionCount: Int) -> [UInt8] {
    let owners = snapshot.allOwners
    var json = JSONWriter(reserving: 256 + snapshot.pods.count * 256 + owners.count * 96)
    json.raw("{\"partition_count\":")
    json.number(Int64(partitionCount))
    json.raw(",\"pods\":[")
    for (place, pod) in snapshot.pods.values.sorted(by: { $0.name < $1.name }).enumerated() {
      if place > 0 { json.raw(",") }
      write(pod, to: &json)
    }
    json.raw("],\"owners\":[")
    for (place, owner) in owners.enumerated() {
      if place > 0 { json.raw(",") }
      write(owner, snapshot.pods[owner.incarnation]?.name, to: &json)
    }
    json.raw("]}")
    return json.bytes
  }

  private static func write(_ pod: PodAnnouncement, to json: inout JSONWriter) {
    json.raw("{\"pod\":")
    json.string(pod.name)
    // A string: not every JSON reader has 64-bit integers.
    json.raw(",\"incarnation\":")
    json.string(String(pod.incarnation))
    json.raw(",\"operator\":")
    if pod.operatorAddress.isEmpty { json.raw("null") } else { json.string(pod.operatorAddress) }
    json.raw(",\"role\":")
    json.string(name(of: pod.role))
    json.raw(",\"services\":[")
    for (place, service) in Service.allCases.filter(pod.services.contains).enumerated() {
      if place > 0 { json.raw(",") }
      json.string(service.name)
    }
    json.raw("]}")
  }

  /// - Parameter pod: the owner's name; nil if the map no longer has that run of a pod.
  private static func write(_ owner: OwnerAnnouncement, _ pod: String?, to json: inout JSONWriter) {
    json.raw("{\"partition\":")
    json.string(owner.partition.description)
    json.raw(",\"epoch\":")
    json.number(owner.epoch)
    json.raw(",\"pod\":")
    if let pod { json.string(pod) } else { json.raw("null") }
    json.raw(",\"incarnation\":")
    json.string(String(owner.incarnation))
    json.raw(",\"state\":")
    json.string(name(of: owner.state))
    json.raw("}")
  }

  private static func name(of role: PodRole) -> StaticString {
    switch role {
    case .all: "all"
    case .api: "api"
    case .owner: "owner"
    }
  }

  private static func name(of state: OwnerAnnouncement.State) -> StaticString {
    switch state {
    case .replaying: "replaying"
    case .open: "open"
    case .full: "full"
    case .stopped: "stopped"
    }
  }
}
