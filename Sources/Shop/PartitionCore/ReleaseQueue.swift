import Model

/// Answers that wait until the log is durable up to what they depend on. Nothing is revealed before.
///
/// First in, first out: an answer also waits for those in front of it, which costs at most one group commit and keeps
/// the queue a queue.
public struct ReleaseQueue<Answer: Sendable>: Sendable {
  private var answers: [(answer: Answer, revealedAt: LogPosition)] = []
  private var head = 0

  public init() {}

  public var count: Int { answers.count - head }

  public mutating func append(_ answer: Answer, revealedAt position: LogPosition) {
    answers.append((answer, position))
  }

  /// The next answer that may leave.
  public mutating func next(durable: LogPosition) -> Answer? {
    guard head < answers.count, answers[head].revealedAt <= durable else { return nil }
    defer { advance() }
    return answers[head].answer
  }

  /// The next answer, whether it may leave or not; for a log that will never be durable again.
  public mutating func nextWithheld() -> Answer? {
    guard head < answers.count else { return nil }
    defer { advance() }
    return answers[head].answer
  }

  private mutating func advance() {
    head += 1
    if head == answers.count {
      answers.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 1_024, head * 2 >= answers.count {
      answers.removeFirst(head)
      head = 0
    }
  }
}
