import Synchronization

/// A bounded queue of messages to one lane: many writers, one reader.
///
/// A batch is taken or refused whole, costs one lock, and wakes the lane only if the box was empty: a lane that has
/// mail has already been woken for it.
public final class Mailbox<Message: Sendable>: Sendable {
  private let messagesMax: Int
  private let wake: @Sendable () -> Void
  private let messages = Guarded<[Message]>([])
  /// Spares an idle turn the lock.
  private let isFilled = Atomic<Bool>(false)

  /// - Parameters:
  ///   - messagesMax: how many messages may wait.
  ///   - wake: wakes the reader; called on the writer's thread.
  public init(messagesMax: Int, wake: @escaping @Sendable () -> Void) {
    self.messagesMax = max(1, messagesMax)
    self.wake = wake
  }

  /// A mailbox that wakes a lane.
  public convenience init(_ lane: Lane, messagesMax: Int) {
    self.init(messagesMax: messagesMax) { lane.wake() }
  }

  /// Puts the whole batch into the box, or none of it if there is no room. From any thread.
  ///
  /// - Returns: whether it was taken. A batch larger than the box never is.
  public func post(_ batch: [Message]) -> Bool {
    guard !batch.isEmpty else { return true }
    let before: Int? = messages.withLock { messages in
      guard batch.count <= messagesMax - messages.count else { return nil }
      let before = messages.count
      messages.append(contentsOf: batch)
      isFilled.store(true, ordering: .releasing)
      return before
    }
    if before == 0 { wake() }
    return before != nil
  }

  /// Takes all messages, oldest first. By the reader only.
  public func takeAll() -> [Message] {
    var taken: [Message] = []
    takeAll(into: &taken)
    return taken
  }

  /// Takes all messages, oldest first, in exchange for an array whose memory the box uses next. By the reader only.
  ///
  /// - Parameter batch: what it contains is dropped; a reader that always gives back the same array allocates nothing.
  public func takeAll(into batch: inout [Message]) {
    batch.removeAll(keepingCapacity: true)
    guard isFilled.load(ordering: .acquiring) else { return }
    messages.withLock { messages in
      isFilled.store(false, ordering: .relaxed)
      swap(&messages, &batch)
    }
  }
}
