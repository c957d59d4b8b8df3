import Model

/// Remembers item prices for the orders service, so that not every addition asks the stock service.
///
/// Never a source of truth: an entry lives for a bounded time, and a cache that is away only costs a question.
public protocol PriceCache: AnyObject, Sendable {
  /// Looks a price up. The completion is called exactly once, on the calling lane: at once when the cache is in
  /// memory, later when it is asked over a connection.
  func price(of item: ItemID, completion: @escaping (PriceAnswer) -> Void)

  /// Remembers the stock service's answer.
  /// - Parameter ticket: of the answer because of which it was asked. When everything was forgotten since, the price
  ///   may be older than that, and is not remembered, or not believed.
  func remember(_ price: Money, of item: ItemID, asked ticket: PriceTicket)

  /// Forgets everything, after a `batch_init` of items.
  func removeAll()
}

/// What a cache knows of a price.
public enum PriceAnswer: Hashable, Sendable {
  case known(Money)
  /// Ask the stock service, and remember what it tells with the ticket.
  case unknown(PriceTicket)
}

/// When a price was asked for: the cache's generation at that moment.
public struct PriceTicket: Hashable, Sendable {
  /// nil when the cache did not know it.
  public let generation: UInt64?

  public init(generation: UInt64?) { self.generation = generation }

  /// What is told is not remembered.
  public static let none = PriceTicket(generation: nil)
}
