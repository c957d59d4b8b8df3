import Model
import Ports
import Synchronization
import Testing

@Suite struct MemoryPriceCacheTests {
  /// A clock that tests set.
  final class Clock: Sendable {
    private let time = Atomic<Int64>(0)
    var milliseconds: Int64 {
      get { time.load(ordering: .relaxed) }
      set { time.store(newValue, ordering: .relaxed) }
    }
  }

  let clock = Clock()

  private func cache(_ entriesMax: Int, lifetime: Int64 = 100) -> MemoryPriceCache {
    let clock = clock
    return MemoryPriceCache(entriesMax: entriesMax, lifetimeMilliseconds: lifetime) { clock.milliseconds }
  }

  private func price(_ cache: MemoryPriceCache, _ id: String) -> Int64? {
    var answers: [Int64?] = []
    cache.price(of: ItemID(unchecked: id)) { answer in
      if case .known(let price) = answer { answers.append(price.value) } else { answers.append(nil) }
    }
    #expect(answers.count == 1, "the completion is called exactly once")
    return answers.first ?? nil
  }

  private func ticket(_ cache: MemoryPriceCache) -> PriceTicket {
    var ticket = PriceTicket.none
    cache.price(of: ItemID(unchecked: "nobody remembers this one")) { answer in
      if case .unknown(let told) = answer { ticket = told }
    }
    return ticket
  }

  private func remember(_ cache: MemoryPriceCache, _ price: Int64, _ id: String) {
    cache.remember(Money(unchecked: price), of: ItemID(unchecked: id), asked: ticket(cache))
  }

  @Test func remembersUntilTheLifetimeIsOver() {
    let cache = cache(10)
    #expect(price(cache, "a") == nil)
    remember(cache, 5, "a")
    clock.milliseconds = 99
    #expect(price(cache, "a") == 5)
    clock.milliseconds = 100
    #expect(price(cache, "a") == nil)
    remember(cache, 6, "a")
    #expect(price(cache, "a") == 6)
  }

  @Test func forgetsTheOldestPastItsBound() {
    let cache = cache(3)
    for (number, id) in ["a", "b", "c", "d"].enumerated() { remember(cache, Int64(number), id) }
    #expect(["a", "b", "c", "d"].map { price(cache, $0) } == [nil, 1, 2, 3])
    remember(cache, 7, "b")
    remember(cache, 8, "e")
    #expect(["b", "c", "d", "e"].map { price(cache, $0) } == [7, nil, 3, 8])
    #expect(cache.count == 3)
  }

  @Test func staysBoundedWhenOneItemIsRememberedOften() {
    let cache = cache(3)
    remember(cache, 1, "a")
    for number in 0..<10_000 { remember(cache, Int64(number), "b") }
    #expect(price(cache, "b") == 9_999)
    #expect(cache.count <= 2)
  }

  @Test func forgetsEverythingWhenAsked() {
    let cache = cache(3)
    remember(cache, 1, "a")
    cache.removeAll()
    #expect(price(cache, "a") == nil && cache.count == 0)
  }

  /// The stock service was asked before everything was forgotten, and answers after it.
  @Test func aPriceAskedForBeforeEverythingWasForgottenIsNotRemembered() {
    let cache = cache(3)
    let ticket = ticket(cache)
    cache.removeAll()
    cache.remember(Money(unchecked: 1), of: ItemID(unchecked: "a"), asked: ticket)
    #expect(price(cache, "a") == nil)
    cache.remember(Money(unchecked: 1), of: ItemID(unchecked: "a"), asked: .none)
    #expect(price(cache, "a") == nil && cache.count == 0)
    remember(cache, 2, "a")
    #expect(price(cache, "a") == 2)
  }

  @Test func isSharedByThreads() async {
    let cache = cache(100)
    let ticket = ticket(cache)
    await withTaskGroup(of: Void.self) { group in
      for thread in 0..<4 {
        group.addTask {
          for number in 0..<2_000 {
            let item = ItemID(unchecked: "\(number % 150)")
            cache.remember(Money(unchecked: Int64(number % 150)), of: item, asked: ticket)
            cache.price(of: item) { answer in
              if case .known(let price) = answer { #expect(price.value == Int64(number % 150), "\(thread)") }
            }
          }
        }
      }
    }
    #expect(cache.count <= 100)
  }
}
