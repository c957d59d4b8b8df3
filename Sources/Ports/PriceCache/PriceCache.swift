import Model

/// Remembers item prices for the orders service, so that not every addition asks the stock service.
///
/// Never a source of truth: an entry lives for a bounded time, and an unavailable cache only costs a query.
public protocol PriceCache: AnyObject, Sendable {
  /// Looks up a price. The completion is called exactly once, on the calling lane: at once if the cache is in memory,
  /// later if it is queried over a connection.
  func price(of item: ItemID, completion: @escaping (PriceAnswer) -> Void)

  /// Remembers the stock service's answer.
  /// - Parameter ticket: from the cache's answer that led to the query. If everything has since been forgotten, the
  ///   price may be older than that, and is not remembered, or not trusted.
  func remember(_ price: Money, of item: ItemID, asked ticket: PriceTicket)

  /// Forgets everything, after a `batch_init` of items.
  func removeAll()
}

/// What a cache knows about a price.
public enum PriceAnswer: Hashable, Sendable {
  case known(Money)
  /// Ask the stock service, and remember its answer with the ticket.
  case unknown(PriceTicket)
}

/// When a price was queried: the cache's generation at that moment.
public struct PriceTicket: Hashable, Sendable {
  /// nil if the cache did not know it.
  public let generation: UInt64?

  public init(generation: UInt64?) { self.generation = generation }

  /// The answer is not remembered.
  public static let none = PriceTicket(generation: nil)
}
