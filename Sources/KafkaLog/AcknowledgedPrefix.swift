/// Which of the messages numbered 1, 2, 3, … are acknowledged, and how far without a gap. Acknowledgements come in any
/// order: different partitions have different leaders.
struct AcknowledgedPrefix: Sendable {
  /// Everything up to here is acknowledged.
  private(set) var end: UInt64 = 0
  /// Of the numbers behind `end`, from `head` on.
  private var acknowledged: [Bool] = []
  private var head = 0

  /// The newest number that was given out.
  var last: UInt64 { end + UInt64(acknowledged.count - head) }

  /// Gives out the next number.
  mutating func next() -> UInt64 {
    acknowledged.append(false)
    return last
  }

  /// A number that was never given out, or was acknowledged before, changes nothing.
  mutating func acknowledge(_ number: UInt64) {
    guard number > end, number <= last else { return }
    acknowledged[head + Int(number - end) - 1] = true
    while head < acknowledged.count, acknowledged[head] {
      head += 1
      end += 1
    }
    if head == acknowledged.count {
      acknowledged.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 1_024, head * 2 >= acknowledged.count {
      acknowledged.removeFirst(head)
      head = 0
    }
  }
}
