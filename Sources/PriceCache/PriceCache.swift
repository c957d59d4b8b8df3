import Model

/// Remembers item prices for the orders service, so that not every addition asks the stock service.
///
/// Never a source of truth: an entry lives for a bounded time, and a cache that is away only costs a question.
public protocol PriceCache: AnyObject, Sendable {
  /// Looks a price up. The completion is called exactly once, on the calling lane: at once when the cache is in
  /// memory, later when it is asked over a connection. nil means: ask the stock service.
  func price(of item: ItemID, completion: @escaping (Money?) -> Void)

  /// Remembers what the stock service told.
  func remember(_ price: Money, of item: ItemID)

  /// Forgets everything, after a `batch_init` of items.
  func removeAll()
}
