import Ports
import Kafka
import Lanes
import Model
import Server
import Settings
import Synchronization
import Telemetry
import TestSupport

@testable import Server

/// A pod of everything on loopback, for a Kafka that nobody has.
func podSettings(_ change: (inout ServeSettings) -> Void = { _ in }) -> ServeSettings {
  var settings = ServeSettings()
  settings.mode = .cluster
  settings.partitions = 4
  settings.lanes = 2
  settings.http.port = 0
  settings.operatorPort.port = 0
  settings.cluster.pod = "pod-0"
  settings.cluster.peers.port = StablePort.find() ?? 0
  settings.cluster.kafkaBrokers = [Endpoint(host: "127.0.0.1", port: 1)]
  settings.cluster.kafkaProperties = ["log_level": "0"]
  settings.cluster.postgresOrders = "host=/nowhere dbname=o"
  settings.cluster.postgresStock = "host=/nowhere dbname=s"
  settings.cluster.postgresPayments = "host=/nowhere dbname=p"
  change(&settings)
  return settings
}

/// A pod whose Kafka is away and whose other servers are what the settings say.
struct OpenPod {
  let pod: Pod
  var lanes: ServerLanes { pod.lanes }

  /// - Parameter world: where the pods that know each other are.
  init(
    _ settings: ServeSettings, cluster: String = "cluster-1", incarnation: UInt64 = 1, journal: Journal = Journal(),
    in world: MemoryOwnershipWorld = MemoryOwnershipWorld()
  ) throws {
    let options = try PodOptions(settings)
    let log = try KafkaRecordLog(options: options.kafka) { _ in }
    let lanes = try ServerLanes(servingCount: 2)
    let own = options.announcement
    let announcement = PodAnnouncement(
      name: own.name, incarnation: incarnation, host: own.host, port: own.port, operatorAddress: own.operatorAddress,
      services: own.services, role: own.role)
    do {
      pod = try ClusterBoot.open(
        options, ClusterBoot.OpenedLog(log: log, kafkaID: cluster), world.join(announcement), lanes: lanes,
        incarnation: incarnation,
        clock: ServingClock(toleranceMilliseconds: options.clockToleranceMilliseconds), journal.log)
    } catch {
      log.close()
      throw error
    }
  }

  func start() throws {
    for lane in lanes.serving + [lanes.operating] { try lane.start { false } }
  }

  func end() {
    pod.closeOnLanes()
    lanes.end()
    pod.close()
  }
}

/// Remembers a log's lines.
final class Journal: Sendable {
  private let lines = Mutex<[String]>([])

  var all: [String] { lines.withLock { $0 } }

  func contains(_ words: String...) -> Bool { all.contains { line in words.allSatisfy { line.contains($0) } } }

  var log: Log {
    Log(level: .debug, clock: { 0 }) { bytes in
      self.lines.withLock { $0.append(String(decoding: bytes, as: UTF8.self)) }
    }
  }
}
