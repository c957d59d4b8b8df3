import Model

/// The sending end of one stream: keeps each input until its destination's log has it.
///
/// A stream is first in, first out, and numbered densely from 1, so its receiver need only remember one number. A
/// command gets its number when it enters its first frame; until then it may be refused or withdrawn without a trace.
/// A message gets its number when it is caused: the number is part of its source's state.
///
/// ```
///        acknowledged        sent           numbered       count
///  ──────────┼────────────────┼────────────────┼──────────────┤
///    durable │   under way    │   to be sent   │  to be numbered (commands)
/// ```
/// Greetings say who owns the destination. Each new owner sends a *greeting* after its replay: its log holds the
/// stream up to a number, so that many are dropped and the rest is sent to it, whatever was sent to its predecessor. A
/// greeting below what was acknowledged means that the destination lost part of its log; one above what was ever
/// numbered means that this end did. Nobody can fix either, so it is reported, and nothing is sent.
public struct StreamSender<Input: Sendable>: Sendable {
  /// The result of a greeting.
  public enum Greeted: Hashable, Sendable {
    /// The rest is sent to the new owner. `dropped` inputs are durable although they were never acknowledged.
    case resumed(dropped: Int)
    /// It comes from an owner before the present one, or is an earlier word of the present one.
    case stale
    /// The destination has forgotten this session, because it was unused for too long. What was sent but not
    /// acknowledged has an unknown outcome; the rest belongs in the lane's next session.
    case forgotten
    /// The destination's log ended at a number that does not fit: it, or this end's own log, lost records.
    case lostLog(greeted: UInt64, acknowledged: UInt64, numbered: UInt64)
  }

  public let source: StreamSource
  public let destination: PartitionID
  public let limits: StreamLimits
  /// The present owner of the destination; nil before the first greeting, and after a lost log.
  public private(set) var owner: OwnerID?
  /// The highest number that is durable in the destination's log.
  public private(set) var acknowledged: UInt64
  /// The highest number assigned.
  public private(set) var numbered: UInt64
  /// The highest number that is under way to the present owner.
  public private(set) var sent: UInt64
  /// When the destination last used this stream, by the destination's time, as far as this end knows.
  public private(set) var asOf = Timestamp.zero
  /// The newest owner that greeted, whether or not the way to it is open.
  private var newestOwner: OwnerID?
  /// Inputs after `acknowledged`.
  private var inputs = InputQueue<Input>()

  public init(
    from source: StreamSource, to destination: PartitionID, limits: StreamLimits, acknowledged: UInt64 = 0
  ) {
    self.source = source
    self.destination = destination
    self.limits = limits
    self.acknowledged = acknowledged
    numbered = acknowledged
    sent = acknowledged
  }

  /// Inputs that are not acknowledged, numbered or not.
  public var count: Int { inputs.count }
  public var unnumberedCount: Int { inputs.count - Int(numbered - acknowledged) }
  public var isEmpty: Bool { inputs.isEmpty }

  // MARK: Inputs

  /// Takes a command, to be numbered later. Returns false, and takes nothing, if the stream is full.
  public mutating func offer(_ input: Input, bytes: Int) -> Bool {
    guard inputs.count < limits.queuedInputsMax else { return false }
    inputs.append(input, bytes: bytes)
    return true
  }

  /// Takes a message and numbers it at once. Returns its number.
  @discardableResult
  public mutating func append(_ input: Input, bytes: Int) -> UInt64 {
    inputs.append(input, bytes: bytes)
    numbered += 1
    return numbered
  }

  /// Withdraws the commands that have no number yet and that match `isExpired`: nobody has seen them. Returns
  /// them.
  public mutating func withdrawUnnumbered(where isExpired: (Input) -> Bool) -> [Input] {
    inputs.remove(from: inputs.count - unnumberedCount, where: isExpired)
  }

  /// Gives up a stream that its destination has forgotten: what was numbered may have taken effect, the rest has not.
  public func abandoned() -> (unknown: [Input], unsent: [Input]) {
    let numberedCount = Int(numbered - acknowledged)
    return ((0..<numberedCount).map { inputs[$0] }, (numberedCount..<inputs.count).map { inputs[$0] })
  }

  /// The numbered inputs that are not acknowledged, in order: what a checkpoint of their source keeps.
  public func forEachUnacknowledged(_ body: (UInt64, Input) -> Void) {
    for place in 0..<Int(numbered - acknowledged) { body(acknowledged + 1 + UInt64(place), inputs[place]) }
  }

  // MARK: Sending

  /// Whether `nextFrame` has something to give.
  public var canSend: Bool {
    owner != nil && Int(sent - acknowledged) < min(inputs.count, limits.unacknowledgedInputsMax)
  }

  /// The next inputs for the present owner, within the bounds of a frame and of what may be under way; nil when there
  /// is nothing to send, or no owner to send it to.
  public mutating func nextFrame() -> StreamFrame<Input>? {
    guard let owner, canSend else { return nil }
    let from = Int(sent - acknowledged)
    let end = min(inputs.count, limits.unacknowledgedInputsMax, from + limits.frameInputsMax)
    let taken = inputs.slice(from: from, to: end, bytesMax: limits.frameBytesMax)
    let first = sent + 1
    sent += UInt64(taken.count)
    numbered = max(numbered, sent)
    return StreamFrame(
      source: source, destination: destination, owner: owner, first: first, inputs: taken, asOf: asOf)
  }

  /// Counts the newest input as sent, without a frame, if everything before it is under way to the present owner.
  ///
  /// - Returns: its number and the owner; nil if `nextFrame` has to send it.
  public mutating func sendNewest() -> (number: UInt64, owner: OwnerID)? {
    guard let owner, numbered > acknowledged, sent == numbered - 1, canSend else { return nil }
    sent = numbered
    return (numbered, owner)
  }

  /// The link to the owner broke: what is not acknowledged may not have arrived, and is sent again.
  public mutating func reconnected() { sent = acknowledged }

  // MARK: What the destination says

  /// Takes an acknowledgement. Returns how many inputs it released; 0 if it is from another tenure, or old.
  ///
  /// - Returns: nil if it acknowledges what was never sent to this owner: its word cannot be trusted.
  public mutating func take(_ acknowledgement: StreamAcknowledgement) -> Int? {
    guard acknowledgement.owner == owner, acknowledgement.source == source else { return 0 }
    // What was sent before the link broke, and not again since, still counts as sent.
    guard acknowledgement.number <= numbered else { return nil }
    asOf = max(asOf, acknowledgement.asOf)
    return drop(through: acknowledgement.number)
  }

  /// Goes back to the number that the owner is waiting for.
  public mutating func take(_ gap: StreamGap) -> Greeted {
    guard gap.owner == owner, gap.source == source, gap.expected <= sent else { return .stale }
    guard gap.expected > acknowledged else {
      // What was acknowledged is gone: the session was forgotten, or the log lost records.
      owner = nil
      if case .session = source { return .forgotten }
      return .lostLog(greeted: max(gap.expected, 1) - 1, acknowledged: acknowledged, numbered: numbered)
    }
    sent = gap.expected - 1
    return .resumed(dropped: 0)
  }

  public mutating func take(_ greeting: StreamGreeting) -> Greeted {
    guard greeting.source == source, greeting.owner.epoch >= newestOwner?.epoch ?? 0 else { return .stale }
    // A session that its destination does not know is new, or old and forgotten.
    let isUnknown = if case .session = source { greeting.number == 0 && numbered > 0 } else { false }
    if isUnknown, isPastHalfLife(greeting.now) {
      owner = nil
      return .forgotten
    }
    // Within one tenure nothing is lost: this greeting predates what was acknowledged since.
    if greeting.owner == newestOwner, greeting.number < acknowledged { return .stale }
    newestOwner = greeting.owner
    guard (acknowledged...numbered).contains(greeting.number) else {
      owner = nil
      return .lostLog(greeted: greeting.number, acknowledged: acknowledged, numbered: numbered)
    }
    if !isUnknown { asOf = max(asOf, greeting.asOf) }
    owner = greeting.owner
    let dropped = drop(through: greeting.number)
    sent = acknowledged
    return .resumed(dropped: dropped)
  }

  /// The owner said that it no longer owns the partition: nothing is sent until the next one greets.
  public mutating func disowned(by former: OwnerID) {
    guard former == owner else { return }
    owner = nil
    sent = acknowledged
  }

  /// Whether a partition whose time is `now` may have forgotten this session, as far as this end knows.
  public func isPastHalfLife(_ now: Timestamp) -> Bool {
    max(0, now.milliseconds) - max(0, asOf.milliseconds) > limits.sessionLifeMilliseconds / 2
  }

  private mutating func drop(through number: UInt64) -> Int {
    guard number > acknowledged else { return 0 }
    let count = Int(number - acknowledged)
    inputs.removeFirst(count)
    acknowledged = number
    sent = max(sent, acknowledged)
    return count
  }
}
