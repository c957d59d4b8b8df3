import Model
import PartitionCore

/// The way to the other pods, as a lane sees it.
public protocol PodPort: AnyObject, Sendable {
  /// Sends messages to one lane of another pod's run; they arrive once and in order, unless one of the two ends. What
  /// asks for work and what ends it are ordered separately (`MeshMessage.asksForWork`).
  ///
  /// From any lane; never blocks.
  /// - Parameter lane: taken modulo the other pod's lanes.
  /// - Returns: false when nothing was sent: the run is not known (any more), or as much as allowed already waits for
  ///   it.
  func send(_ messages: [MeshMessage], to run: UInt64, lane: UInt16) -> Bool

  /// Takes what arrived for a lane of this pod, on that lane. The lane is woken when something arrives.
  func take(lane: UInt16) -> [MeshDelivery]
}

/// A message of another pod.
public struct MeshDelivery: Sendable {
  /// The sender's run.
  public let run: UInt64
  public let message: MeshMessage

  public init(run: UInt64, message: MeshMessage) {
    self.run = run
    self.message = message
  }
}
