import Lanes
import Model
import Ports

/// Item prices in Redis, one cache and one connection per lane.
///
/// All queries of a turn are sent in one `MGET`. A query is answered "ask the stock service" as soon as Redis is not
/// known to be healthy: unreachable, slow, full of other queries, or sending rubbish. So nothing Redis does can cause
/// an error for a client; at worst a query costs `answerMilliseconds` until the breaker opens.
///
/// Each price carries the generation under which it was queried; `removeAll` starts a new one, for all pods at once.
/// The stock service's prices have no versions, so a price that a pod remembers late, across a `removeAll`, is refused
/// by its old generation. Generations are random numbers, so that none repeats. If there is none (Redis is empty, or
/// has evicted it), nothing is trusted, and the first pod to notice starts one.
///
/// Confined to its lane: create it there or before the lane's start, and `close` it there. `@unchecked Sendable` is
/// safe: every method asserts that it runs on the lane; `figures` is atomic.
public final class RedisPriceCache: PriceCache, @unchecked Sendable {
  public let figures = RedisFigures()
  let lane: Lane
  let options: RedisOptions
  let prefix: [UInt8]
  var limits: RedisLimits { options.limits }

  var breaker: CircuitBreaker
  var connection: RedisConnection?
  /// Replies that Redis owes, oldest first.
  var expected = ExpectedReplies()
  /// The generation under which prices are written and trusted; nil until Redis reports it, and while it has none.
  var generation: UInt64?
  /// Calls of `removeAll`, and how many of them Redis has confirmed.
  var removals: UInt64 = 0
  var confirmedRemovals: UInt64 = 0
  var owesRemoval: Bool { removals != confirmedRemovals }
  private var removalTimer: LaneTimer?
  var writesResumeAt: UInt64 = 0
  var deadlineTimer: LaneTimer?
  var retryTimer: LaneTimer?
  var attempt = 0
  private var asked = PriceRequest()
  private var isFlushPosted = false
  var isClosed = false

  /// Starts connecting.
  /// - Throws: `RedisAddress.Refusal` if the options are inconsistent.
  public init(_ lane: Lane, _ options: RedisOptions) throws(RedisAddress.Refusal) {
    if let complaint = options.complaints.first { throw RedisAddress.Refusal(description: complaint) }
    self.lane = lane
    self.options = options
    prefix = Array(options.keyPrefix.utf8)
    breaker = CircuitBreaker(options.limits)
    lane.assertOnLane()
    connect()
  }

  /// Answers all queries "unknown" and ends the connection. On the lane; nothing is queried after it.
  public func close() {
    lane.assertOnLane()
    guard !isClosed else { return }
    isClosed = true
    retryTimer?.cancel()
    drop()
    answerAsked()
  }

  // MARK: PriceCache

  public func price(of item: ItemID, completion: @escaping (PriceAnswer) -> Void) {
    lane.assertOnLane()
    guard isHealthy else {
      figures.add(to: .skipped)
      return completion(.unknown(.none))
    }
    guard asked.questions < limits.questionsPerTurnMax, expected.requests < limits.requestsInFlightMax else {
      figures.add(to: .refusedAtBound)
      return completion(.unknown(.none))
    }
    asked.add(item, completion)
    if asked.items.count >= limits.itemsPerRequestMax {
      sendAsked()
    }
    postFlush()
  }

  public func remember(_ price: Money, of item: ItemID, asked ticket: PriceTicket) {
    lane.assertOnLane()
    guard isHealthy, let generation, generation == ticket.generation, let connection, lane.now >= writesResumeAt,
      hasRoomForWrite
    else {
      return figures.add(to: .droppedWrites)
    }
    sendAsked()
    connection.write { output in
      RedisCommand.appendHead("*", 5, to: &output)
      RedisCommand.append("SET".utf8, to: &output)
      RedisCommand.append(key(of: item), to: &output)
      RedisCommand.append(StoredPrice.bytes(price, generation: generation), to: &output)
      RedisCommand.append("PX".utf8, to: &output)
      RedisCommand.append(String(options.lifetimeMilliseconds).utf8, to: &output)
    }
    expected.append(.write)
    figures.add(to: .writes)
    postFlush()
  }

  public func removeAll() {
    lane.assertOnLane()
    removals &+= 1
    expected.forgetRequests()
    asked.isForgotten = true
    sendAsked()
    sendRemoval()
  }

  // MARK: Sending

  /// Whether Redis is queried: connected, logged in, and no removal pending that makes its prices stale.
  var isHealthy: Bool { breaker.state == .closed && !owesRemoval && connection?.isOpen == true }

  private var hasRoomForWrite: Bool {
    expected.writes < limits.writesInFlightMax && (connection?.outputBytes ?? .max) < limits.outputBytesMax
  }

  func key(of item: ItemID) -> [UInt8] { prefix + Array("price:".utf8) + Array(item.text.utf8) }
  var generationKey: [UInt8] { prefix + Array("generation".utf8) }

  /// Sends what this turn of the lane adds, in one write, after the turn's events.
  private func postFlush() {
    guard !isFlushPosted else { return }
    isFlushPosted = lane.post { [weak self] in self?.flush() }
    if !isFlushPosted { flush() }
  }

  private func flush() {
    isFlushPosted = false
    guard !isClosed else { return }
    sendAsked()
    connection?.flush()
  }

  private func sendAsked() {
    guard asked.questions > 0 else { return }
    guard breaker.state == .closed, let connection, connection.isOpen,
      connection.outputBytes < limits.outputBytesMax
    else { return answerAsked() }
    var request = asked
    asked = PriceRequest()
    request.deadlineMilliseconds = lane.now &+ limits.answerMilliseconds
    connection.write { output in
      RedisCommand.appendHead("*", request.items.count + 2, to: &output)
      RedisCommand.append("MGET".utf8, to: &output)
      RedisCommand.append(generationKey, to: &output)
      for item in request.items { RedisCommand.append(key(of: item), to: &output) }
    }
    expected.append(.prices(request))
    figures.add(to: .requests)
    if deadlineTimer == nil { armDeadline(request.deadlineMilliseconds) }
  }

  /// Answers this turn's queries "unknown": they can no longer be sent.
  func answerAsked() {
    var request = asked
    asked = PriceRequest()
    let waiting = request.end()
    figures.add(waiting.count, to: .skipped)
    for (_, completion) in waiting { completion(.unknown(.none)) }
  }

  /// Starts a generation if there is none. If several notice at the same time, one succeeds.
  func sendFirstGeneration() {
    guard generation == nil, !owesRemoval, !expected.hasFirstGeneration, lane.now >= writesResumeAt, let connection,
      connection.isOpen
    else { return }
    let first = Self.newGeneration()
    connection.write { output in
      RedisCommand.append(
        [Array("SET".utf8), generationKey, Array(String(first).utf8), Array("NX".utf8)], to: &output)
    }
    expected.append(.firstGeneration(first))
    connection.flush()
  }

  /// A random number, so that none repeats, even after `FLUSHALL`.
  private static func newGeneration() -> UInt64 { UInt64.random(in: 1...UInt64.max) }

  /// Starts a new generation.
  func sendRemoval() {
    guard owesRemoval, breaker.state == .closed, let connection, connection.isOpen, !expected.hasRemoval else { return }
    let now = lane.now
    guard now >= writesResumeAt else {
      // Until Redis accepts it, this lane trusts none of its prices.
      if removalTimer == nil {
        removalTimer = lane.after(milliseconds: writesResumeAt - now) { [weak self] in
          self?.removalTimer = nil
          self?.sendRemoval()
        }
      }
      return
    }
    let next = Self.newGeneration()
    connection.write { output in
      RedisCommand.append([Array("SET".utf8), generationKey, Array(String(next).utf8)], to: &output)
    }
    expected.append(.removal(number: removals, generation: next))
    connection.flush()
  }
}
