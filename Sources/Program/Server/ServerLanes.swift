import Lanes

/// The lanes of a process: some that serve requests and own partitions, and one for the operator.
public struct ServerLanes: Sendable {
  public let serving: [Lane]
  public let operating: Lane

  /// - Throws: `LaneFailure`.
  public init(servingCount: Int) throws(LaneFailure) {
    var serving: [Lane] = []
    for index in 0..<max(servingCount, 1) { serving.append(try Lane(index: index)) }
    self.serving = serving
    operating = try Lane(index: serving.count)
  }

  /// Ends all of them, after what was posted to them. Blocking.
  public func end() {
    let all = serving + [operating]
    for lane in all { lane.stop() }
    for lane in all { lane.join() }
  }
}
