import Model
import Ports

/// The queries of one `MGET`: each item once, with everybody who asks for it.
struct PriceRequest {
  private(set) var items: [ItemID] = []
  private var waiters: [[(PriceAnswer) -> Void]] = []
  private var places: [ItemID: Int] = [:]
  /// When its queries are answered unknown.
  var deadlineMilliseconds: UInt64 = 0
  /// `removeAll` came after it: its answer reports prices that are forgotten.
  var isForgotten = false
  /// Its queries have been answered.
  private(set) var isOver = false
  private(set) var questions = 0

  mutating func add(_ item: ItemID, _ completion: @escaping (PriceAnswer) -> Void) {
    questions += 1
    if let place = places[item] {
      waiters[place].append(completion)
    } else {
      places[item] = items.count
      items.append(item)
      waiters.append([completion])
    }
  }

  /// Takes the waiting completions, each with the place of its item: call them once the caller's state is consistent.
  mutating func end() -> [(place: Int, completion: (PriceAnswer) -> Void)] {
    isOver = true
    let ended = waiters.enumerated().flatMap { place, waiters in waiters.map { (place, $0) } }
    waiters = []
    places = [:]
    return ended
  }
}
