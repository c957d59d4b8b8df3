import Runtime

/// The partitions of a process, as the servers around them need them. Lanes are named by their number.
public protocol ServedRuntime: RuntimeInspection {
  /// Where the requests of a lane enter. On the lane, or before it starts.
  func port(ofLane index: Int) -> any RequestPort
  /// Sets who receives the results of a lane's requests; not kept alive. On the lane, or before it starts.
  func setClient(_ client: any RequestClient, ofLane index: Int)
  /// Starts the lane's timers. Once, on the lane.
  func begin(lane index: Int)
  /// One turn of a lane. Returns whether another should follow immediately.
  func turn(lane index: Int) -> Bool
  /// Whether requests reached a lane after its newest turn.
  func hasUnsent(lane index: Int) -> Bool
  /// Refuses new commands, lets what is under way finish, and leaves the partitions in order. The completion is
  /// called once, on a lane.
  ///
  /// - Parameter handoverMilliseconds: how long to keep partitions for other pods to take over.
  func stop(answersMilliseconds: UInt64, handoverMilliseconds: UInt64, completion: @escaping @Sendable () -> Void)
}

extension OwnerRuntime: ServedRuntime {}
