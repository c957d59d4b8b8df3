import Lanes

/// Carries a value that belongs to one lane through code that does not.
///
/// `@unchecked Sendable` is safe: `value` is accessible only on the lane, or before the lane starts, when one
/// thread has everything; anything else ends the process.
public final class LaneConfined<Value>: @unchecked Sendable {
  private let confined: Value
  private let lane: Lane

  public init(_ value: Value, lane: Lane) {
    confined = value
    self.lane = lane
  }

  public var value: Value {
    precondition(lane.isCurrent || !lane.isStarted, "used outside of its lane")
    return confined
  }
}
