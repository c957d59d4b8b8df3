import Runtime
import Telemetry

extension Log {
  /// Reports to the operator what happened to partitions.
  public func report(_ event: RuntimeEvent) {
    switch event {
    case .partitionStopped(let partition, let offset, let reason):
      error(
        "partition stopped", ["partition": LogValue(partition), "offset": LogValue(offset), "reason": LogValue(reason)])
    case .partitionBroke(let partition, let offset, let reason):
      error(
        "a partition's log breaks off: taking the partition over again",
        ["partition": LogValue(partition), "offset": LogValue(offset), "reason": LogValue(reason)])
    case .storeFailed(let partition, let reason):
      error("store failed", ["partition": LogValue(partition), "reason": LogValue(reason)])
    case .logFailed(let reason):
      error("the log takes no more records until the server is started again", ["reason": LogValue(reason)])
    case .mailRefused(let count):
      error("a lane's mailbox was full; answers were lost", ["messages": LogValue(count)])
    case .peerRefused(let count):
      warning("answers did not reach the pod that asked", ["answers": LogValue(count)])
    case .tookOver(let partition, let epoch, let storeMilliseconds, let logMilliseconds):
      debug(
        "partition taken over",
        [
          "partition": LogValue(partition), "epoch": LogValue(epoch), "store_ms": LogValue(storeMilliseconds),
          "log_ms": LogValue(logMilliseconds),
        ])
    case .takeoverFailed(let partition, let reason):
      error("a partition cannot be taken over yet", ["partition": LogValue(partition), "reason": LogValue(reason)])
    case .ordersRemoved(let partition, let count):
      info(
        "orders older than order-retention were removed", ["partition": LogValue(partition), "orders": LogValue(count)])
    }
  }
}
