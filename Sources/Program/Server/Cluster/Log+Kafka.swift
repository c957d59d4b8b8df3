import Kafka
import Model
import Telemetry

extension Log {
  /// Reports to the operator what happened to the log in Kafka.
  public func report(_ event: KafkaEvent) {
    switch event {
    case .library(let client, let level, let text):
      // As in syslog: up to 4 are warnings and worse, 5 and 6 are news, 7 is for the library's own developers.
      log(
        level <= 4 ? .warning : level <= 6 ? .info : .debug, "kafka reports",
        ["client": LogValue(client), "text": LogValue(text)])
    case .trouble(let client, let text):
      warning("kafka has a problem", ["client": LogValue(client), "text": LogValue(text)])
    case .partitionBroken(let partition, let reason):
      error("reading a partition failed", ["partition": LogValue(partition), "reason": LogValue(reason)])
    case .ingestStopped(let partition, let reason):
      error("a partition's ingest has stopped", ["partition": LogValue(partition), "reason": LogValue(reason)])
    case .ingestLost(let partition, let records):
      error("records of an ingest topic were lost", ["partition": LogValue(partition), "records": LogValue(records)])
    }
  }

  /// Reports trouble with the messages between pods.
  func report(_ trouble: MeshLink.Trouble) {
    switch trouble {
    case .undecodable(let sender, let reason):
      error("a frame cannot be read", ["sender": LogValue(sender), "reason": LogValue(reason)])
    case .tooLarge(let receiver, let bytes):
      error("a message does not fit into a frame", ["receiver": LogValue(receiver), "bytes": LogValue(bytes)])
    }
  }

  /// Reports what a service's group decided.
  public func report(_ event: MembershipEvent, of service: Service) {
    switch event {
    case .assigned(let partitions):
      info("partitions assigned", ["service": LogValue(service.name), "count": LogValue(partitions.count)])
    case .revoked(let isLost):
      info("partitions revoked", ["service": LogValue(service.name), "lost": LogValue("\(isLost)")])
    case .trouble(let text):
      warning("the group has a problem", ["service": LogValue(service.name), "text": LogValue(text)])
    }
  }
}
