import Model
import TestSupport
import Testing

@testable import Streams

/// Each case is what happens to one stream, word by word, and how it stands then: the numbers acknowledged, sent and
/// numbered, what is kept, and what went out.
///
///     c      a command is offered             m     a message is caused
///     f      frames are sent until nothing is left to send
///     g3.1   epoch 3 greets with number 1     a3.2  epoch 3 acknowledges up to 2
///     x3.2   epoch 3 misses number 2          d3    epoch 3 says that it owns nothing any more
///     r      the connection broke
@Suite struct SenderTests {
  private static let table = """
    c c                       | 0 0 0 2 |          nothing goes to nobody
    c c f                     | 0 0 0 2 |
    c c g3.0 f                | 0 2 2 2 | 1-2      numbered when it leaves
    m m                       | 0 0 2 2 |          numbered when it is caused
    m m g3.0 f                | 0 2 2 2 | 1-2
    m m m m g3.0 f            | 0 3 4 4 | 1-2 3-3  as much as may be under way
    m m m m g3.0 f a3.2 f     | 2 4 4 2 | 1-2 3-3 4-4
    c c g3.0 f a3.1           | 1 2 2 1 | 1-2
    c c g3.0 f a3.2           | 2 2 2 0 | 1-2
    c c g3.0 f a2.2           | 0 2 2 2 | 1-2      another tenure's word counts for nothing
    c c g3.0 f a3.2 a3.1      | 2 2 2 0 | 1-2      an old word
    c c g3.0 f a3.3           | distrust | 1-2     what was never sent
    c c g3.0 f g4.1           | 1 1 2 1 | 1-2      the new owner's log has the first one
    c c g3.0 f g4.1 f         | 1 2 2 1 | 1-2 2-2  and gets the rest
    c c g3.0 f g4.2           | 2 2 2 0 | 1-2      durable although nobody acknowledged it
    c c g3.0 f g4.0 f         | 0 2 2 2 | 1-2 1-2  the new owner's log has nothing
    c c g3.0 f g4.3           | lost 3 | 1-2       more than was ever sent
    c c g3.0 f a3.2 g4.1      | lost 1 | 1-2       less than was acknowledged
    c c g3.0 f a3.2 g3.1      | 2 2 2 0 | 1-2      said before what was acknowledged since
    c c g4.0 f g3.1           | 0 2 2 2 | 1-2      an earlier owner, late
    c c g3.0 f a3.2 r g3.1    | 2 2 2 0 | 1-2      late, over a connection that broke
    c c g3.0 f r f            | 0 2 2 2 | 1-2 1-2  what may not have arrived is sent again
    c c g3.0 f d3 f           | 0 0 2 2 | 1-2      nobody to send it to
    c c g3.0 f d2 f           | 0 2 2 2 | 1-2
    c c g3.0 f x3.1 f         | 0 2 2 2 | 1-2 1-2
    c c g3.0 f x3.2 f         | 0 2 2 2 | 1-2 2-2
    c c g3.0 f x2.1 f         | 0 2 2 2 | 1-2
    c c g3.0 f a3.1 x3.1      | lost 0 | 1-2       what was acknowledged is missing
    c c g3.0 f x3.0           | lost 0 | 1-2       a number that no stream has
    """

  @Test func table() throws {
    for line in Self.table.split(separator: "\n") {
      let columns = line.split(separator: "|", omittingEmptySubsequences: false)
      var run = Run()
      for word in columns[0].split(separator: " ") { try run.take(word) }
      let frames = columns[2].split(separator: " ").prefix { $0.contains("-") }.joined(separator: " ")
      #expect(run.standing == columns[1].trimmingCharacters(), "\(line)")
      #expect(run.frames.joined(separator: " ") == frames, "\(line)")
    }
  }

  private struct Run {
    var sender: StreamSender<Int>
    var frames: [String] = []
    private var verdict: String?

    init() {
      var limits = StreamLimits()
      limits.unacknowledgedInputsMax = 3
      limits.frameInputsMax = 2
      sender = StreamSender(
        from: .partition(PartitionID(.orders, 0)), to: PartitionID(.stock, 0), limits: limits)
    }

    var standing: String {
      verdict ?? "\(sender.acknowledged) \(sender.sent) \(sender.numbered) \(sender.count)"
    }

    mutating func take(_ word: Substring) throws {
      let parts = word.dropFirst().split(separator: ".").compactMap { UInt64($0) }
      let owner = OwnerID(epoch: parts.first ?? 0, run: 9)
      let number = parts.last ?? 0
      let (source, destination) = (sender.source, sender.destination)
      switch word.first {
      case "c": expectEqual(sender.offer(1, bytes: 1), true)
      case "m": sender.append(1, bytes: 1)
      case "f":
        while let frame = sender.nextFrame() {
          frames.append("\(frame.first)-\(frame.first + UInt64(frame.inputs.count) - 1)")
        }
      case "g":
        note(sender.take(StreamGreeting(source: source, destination: destination, owner: owner, number: number)))
      case "a":
        let word = StreamAcknowledgement(source: source, destination: destination, owner: owner, number: number)
        if sender.take(word) == nil { verdict = "distrust" }
      case "x": note(sender.take(StreamGap(source: source, destination: destination, owner: owner, expected: number)))
      case "d": sender.disowned(by: owner)
      case "r": sender.reconnected()
      default: Issue.record("no word: \(word)")
      }
    }

    private mutating func note(_ greeted: StreamSender<Int>.Greeted) {
      if case .lostLog(let greeted, _, _) = greeted { verdict = "lost \(greeted)" }
    }
  }

  @Test func commandsAreRefusedBeyondTheBoundAndMessagesAreNot() {
    var limits = StreamLimits()
    limits.queuedInputsMax = 2
    var sender = StreamSender<Int>(
      from: .session(Session(run: 1, lane: 0, number: 1)), to: PartitionID(.stock, 0), limits: limits)
    expectEqual(sender.offer(1, bytes: 1), true)
    expectEqual(sender.offer(2, bytes: 1), true)
    expectEqual(sender.offer(3, bytes: 1), false)
    #expect(sender.count == 2)
    for _ in 0..<3 { sender.append(4, bytes: 1) }
    #expect(sender.count == 5)
  }

  @Test func whatHasNoNumberCanBeWithdrawn() {
    var sender = StreamSender<Int>(
      from: .session(Session(run: 1, lane: 0, number: 1)), to: PartitionID(.stock, 0), limits: StreamLimits())
    let owner = OwnerID(epoch: 1, run: 1)
    _ = sender.take(StreamGreeting(source: sender.source, destination: sender.destination, owner: owner, number: 0))
    expectEqual(sender.offer(1, bytes: 1), true)
    expectEqual(sender.nextFrame()?.inputs, [1])
    for input in 2...4 { expectEqual(sender.offer(input, bytes: 1), true) }
    let withdrawn = sender.withdrawUnnumbered { $0 < 4 }
    #expect(withdrawn == [2, 3])
    expectEqual(sender.nextFrame()?.inputs, [4])
    #expect(sender.abandoned().unknown == [1, 4])
  }

  /// A session that the destination does not know is new, or was forgotten: its age decides.
  @Test(arguments: [(age: 4_000, isForgotten: false), (age: 6_000, isForgotten: true)])
  func anOldSessionThatIsUnknownWasForgotten(_ age: Int, _ isForgotten: Bool) {
    var limits = StreamLimits()
    limits.sessionLifeMilliseconds = 10_000
    var sender = StreamSender<Int>(
      from: .session(Session(run: 1, lane: 0, number: 1)), to: PartitionID(.stock, 0), limits: limits)
    func greeting(_ epoch: UInt64, at milliseconds: Int64) -> StreamGreeting {
      let now = Timestamp(milliseconds: milliseconds)
      return StreamGreeting(
        source: sender.source, destination: sender.destination, owner: OwnerID(epoch: epoch, run: 1), number: 0,
        now: now, asOf: now)
    }
    _ = sender.take(greeting(1, at: 1_000))
    expectEqual(sender.offer(1, bytes: 1), true)
    expectEqual(sender.nextFrame() != nil, true)
    let greeted = sender.take(greeting(2, at: 1_000 + Int64(age)))
    #expect(greeted == (isForgotten ? .forgotten : .resumed(dropped: 0)))
    // Not made younger by being unknown: what was sent may have been executed, and forgotten since.
    #expect(sender.asOf == Timestamp(milliseconds: 1_000))
  }
}

extension Substring {
  fileprivate func trimmingCharacters() -> String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}
