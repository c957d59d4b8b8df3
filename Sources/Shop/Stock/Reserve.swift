import Model
import PartitionCore

// A slip at one stock partition: all of its lines here are held in one step, or none. If they cannot be held at once,
// either they never can (refused now) or may become so when holds ahead end (parked, first in first out).

extension StockMachine {
  /// What can be done for a stop's lines.
  enum Verdict {
    /// Everything is available, and nobody waits ahead.
    case hold
    /// Nothing under way can make it possible.
    case refuse(Failure)
    /// It may become possible.
    case wait
  }

  mutating func reserve(_ slip: Slip, _ stop: UInt16, in context: inout ApplyContext) throws(Poison) {
    guard Int(stop) < slip.stops.count, slip.stops[Int(stop)].partition == partition.index else {
      throw Poison("a slip of \(slip.attempt) at a stop that is not here")
    }
    // A repetition: already reserved.
    guard holds[slip.attempt] == nil else { return }
    let hold = Hold(slip: slip, stop: stop, status: .parked)
    switch verdict(on: hold) {
    case .hold:
      try take(hold, in: &context)
    case .refuse(let failure):
      sendBack(hold, failure, in: &context)
    case .wait:
      try park(hold, in: &context)
    }
  }

  /// Judges a stop whose turn has come, or that has just arrived.
  func verdict(on hold: Hold) -> Verdict {
    var mustWait = false
    for line in hold.lines {
      guard let item = items[line.item] else { return .refuse(.unknownItem(line.item)) }
      if line.quantity > item.available {
        // Holds may be released; nothing else under way gives units back.
        guard let possible = item.available.adding(item.held), line.quantity <= possible else {
          return .refuse(.outOfStock(line.item))
        }
        mustWait = true
      } else if let first = item.parked.first, first != hold.slip.attempt {
        mustWait = true
      }
    }
    return mustWait ? .wait : .hold
  }

  /// Holds every line and passes the slip on. The verdict was `hold`.
  mutating func take(_ hold: Hold, in context: inout ApplyContext) throws(Poison) {
    for line in hold.lines {
      try change(line.item, at: context.position) { item in
        guard let available = item.available.subtracting(line.quantity),
          let held = item.held.adding(line.quantity)
        else { return false }
        item.available = available
        item.held = held
        return true
      }
    }
    holds.update(hold.slip.attempt, at: context.position) {
      $0 = Hold(slip: hold.slip, stop: hold.stop, status: .held)
    }
    sendOn(hold, in: &context)
  }

  private mutating func park(_ hold: Hold, in context: inout ApplyContext) throws(Poison) {
    let parkedMax = context.limits.itemParkedMax
    for line in hold.lines where (items[line.item]?.parked.count ?? 0) >= parkedMax {
      sendBack(hold, .tooManyWaiting(line.item), in: &context)
      return
    }
    for line in hold.lines {
      try change(line.item, at: context.position) { item in
        item.parked.append(hold.slip.attempt)
        return true
      }
    }
    holds.update(hold.slip.attempt, at: context.position) { $0 = hold }
    parkedCount += 1
  }

  /// Changes an existing item in place.
  /// - Throws: `Poison` if the item does not exist or `body` returns false: the state contradicts itself.
  mutating func change(_ id: ItemID, at position: LogPosition, _ body: (inout Item) -> Bool) throws(Poison) {
    let isConsistent = items.update(id, at: position) { item in item?.isChanged(by: body) ?? false }
    guard isConsistent else { throw Poison("the holds of item \(id) contradict its stock") }
  }

  private func sendOn(_ hold: Hold, in context: inout ApplyContext) {
    let next = Int(hold.stop) + 1
    if next < hold.slip.stops.count {
      context.send(
        .reserve(hold.slip, stop: UInt16(next)), to: PartitionID(.stock, hold.slip.stops[next].partition))
    } else {
      context.send(.charge(hold.slip), to: partitioner.partition(of: hold.slip.user))
    }
  }

  /// Sends a release to the previous stop, or the failure to the order if there is none.
  func sendBack(_ hold: Hold, _ failure: Failure, in context: inout ApplyContext) {
    let previous = Int(hold.stop) - 1
    if previous >= 0 {
      context.send(
        .release(hold.slip, stop: UInt16(previous), failure),
        to: PartitionID(.stock, hold.slip.stops[previous].partition))
    } else {
      context.send(
        .failed(hold.slip.attempt, failure), to: partitioner.partition(of: hold.slip.attempt.order))
    }
  }
}

extension Item {
  /// Changes the item in place, inside an optional, without a copy.
  fileprivate mutating func isChanged(by body: (inout Item) -> Bool) -> Bool { body(&self) }
}
