import Lanes
import Model
import Ports
import Redis
import Synchronization
import TestSupport

/// A running lane with a cache on it.
final class CacheOnLane: Sendable {
  let lane: Lane
  let cache: RedisPriceCache

  init(
    _ url: String, lifetime: Int64 = 60_000, prefix: String = "kassa:", authorities: String? = nil,
    _ change: (inout RedisLimits) -> Void = { _ in }
  )
    throws
  {
    var options = RedisOptions(
      address: try RedisAddress(url: url), keyPrefix: prefix, lifetimeMilliseconds: lifetime)
    options.authoritiesPath = authorities
    // A busy machine must not make an answer late where a test is not about that.
    options.limits.answerMilliseconds = 5_000
    options.limits.openMillisecondsMin = 10
    options.limits.openMillisecondsMax = 100
    change(&options.limits)
    lane = try Lane(index: 0)
    cache = try RedisPriceCache(lane, options)
    try lane.start { false }
  }

  /// Waits until Redis is asked.
  var isConnected: Bool { eventually { cache.figures.isAsked } }

  subscript(counter: RedisFigures.Counter) -> UInt64 { cache.figures[counter] }

  /// Runs work on the lane and waits for it.
  func run(_ work: @escaping @Sendable (RedisPriceCache) -> Void) {
    let isDone = Flag()
    lane.post { [cache] in
      work(cache)
      isDone.set()
    }
    _ = eventually { isDone.isSet }
  }

  final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    func set() { value.store(true, ordering: .releasing) }
    var isSet: Bool { value.load(ordering: .acquiring) }
  }

  /// The prices that are known, of one turn's questions; nil when one was not answered exactly once.
  func prices(_ items: [String]) -> [Int64?]? {
    answers(items)?.map { answer in
      if case .known(let price) = answer { price.value } else { nil }
    }
  }

  /// The answers to questions of one turn, in the order of the items; nil when one was not answered exactly once.
  func answers(_ items: [String]) -> [PriceAnswer]? {
    let answers = Mutex<[[PriceAnswer]]>(items.map { _ in [] })
    let box = Box(answers)
    lane.post { [cache] in
      for (index, item) in items.enumerated() {
        cache.price(of: ItemID(unchecked: item)) { answer in box.content.withLock { $0[index].append(answer) } }
      }
    }
    _ = eventually { box.content.withLock { $0.allSatisfy { !$0.isEmpty } } }
    let all = box.content.withLock { $0 }
    guard all.allSatisfy({ $0.count == 1 }) else { return nil }
    return all.map { $0[0] }
  }

  final class Box: Sendable {
    let content: Mutex<[[PriceAnswer]]>
    init(_ content: consuming Mutex<[[PriceAnswer]]>) { self.content = content }
  }

  func price(_ item: String) -> Int64? { prices([item])?[0] }

  /// Of a question that is asked now, for an item that nobody remembers.
  var ticket: PriceTicket {
    if case .unknown(let ticket)? = answers(["nobody remembers this one"])?[0] { ticket } else { .none }
  }

  /// - Parameter ticket: of the question before it; without one there is a question now.
  func remember(_ price: Int64, _ item: String, asked ticket: PriceTicket? = nil) {
    let ticket = ticket ?? self.ticket
    run { $0.remember(Money(unchecked: price), of: ItemID(unchecked: item), asked: ticket) }
  }

  func end() {
    run { $0.close() }
    lane.stop()
    lane.join()
  }
}
