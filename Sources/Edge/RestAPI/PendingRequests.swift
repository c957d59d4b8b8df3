import HTTPServer
import Model
import Ports

/// A request that waits for its partition.
struct PendingRequest {
  let origin: RequestOrigin
  let step: Step

  enum Step {
    case read(Query)
    /// The cache, or the stock service, was asked for the price; then the line is changed.
    case price(LineChange, IdempotencyToken?, PriceTicket)
    case command(Command, IdempotencyToken?)

    /// The key of a request whose command is not under way yet: if the request ends now, nobody has used the key.
    var unusedToken: IdempotencyToken? {
      if case .price(_, let token, _) = self { token } else { nil }
    }

    /// The lowest bits of the number under which the step's answer comes.
    var number: UInt64 {
      switch self {
      case .read: 0
      case .price: 1
      case .command: 2
      }
    }
  }
}

/// What an answer needs to know about its request.
struct RequestOrigin {
  let exchange: ExchangeID
  let route: Route
  let startedMicroseconds: Int64
  let trace: TraceContext?
  /// The header as it was sent, to be echoed.
  let traceparent: String?
  /// What a good answer has in its body, once that is known.
  var answer = Endpoint.Answer.nothing
  /// What the access log says of it; nil if it says nothing.
  var note: AccessNote?
  /// The site whose page may read the answer, if one asks.
  var site: String?
  /// The idempotency key as its caller knows it, if it is kept under another name.
  var callersKey: IdempotencyKey?
}

/// The requests of one lane that wait, findable by exchange, and the oldest of them first.
///
/// All may wait equally long, so deadlines come in order of arrival and a queue is enough: no timer per request, and
/// finding the expired ones costs only as much as there are. A request that was answered stays in the queue as a mere
/// number until it gets to the front or the queue is swept.
struct PendingRequests {
  private var requests: [UInt64: PendingRequest] = [:]
  private var queue: [(exchange: UInt64, deadlineMilliseconds: Int64)] = []
  private var head = 0
  private let countMax: Int

  init(countMax: Int) { self.countMax = countMax }

  var count: Int { requests.count }
  /// Numbers in the queue, those of answered requests included.
  var queuedNumbers: Int { queue.count - head }
  var isFull: Bool { requests.count >= countMax }

  /// Remembers a request with its deadline, which is not before that of any earlier one.
  mutating func insert(_ request: PendingRequest, deadlineMilliseconds: Int64) {
    let exchange = request.origin.exchange.number
    requests[exchange] = request
    queue.append((exchange, deadlineMilliseconds))
    if queue.count > 2 * countMax + 64 { sweep() }
  }

  /// Moves on to a request's next step, under the same deadline.
  mutating func update(_ request: PendingRequest) {
    let exchange = request.origin.exchange.number
    if requests[exchange] != nil { requests[exchange] = request }
  }

  subscript(exchange: UInt64) -> PendingRequest? { requests[exchange] }

  @discardableResult
  mutating func remove(_ exchange: UInt64) -> PendingRequest? {
    let request = requests.removeValue(forKey: exchange)
    while head < queue.count, requests[queue[head].exchange] == nil { head += 1 }
    if head == queue.count {
      queue.removeAll(keepingCapacity: true)
      head = 0
    }
    return request
  }

  /// Takes the oldest request out if its deadline has passed.
  mutating func removeExpired(nowMilliseconds now: Int64) -> PendingRequest? {
    while head < queue.count, queue[head].deadlineMilliseconds <= now {
      if let request = remove(queue[head].exchange) { return request }
    }
    return nil
  }

  /// Drops the numbers of answered requests; at least every second one is, so this costs little per insertion.
  private mutating func sweep() {
    queue.removeFirst(head)
    head = 0
    queue.removeAll { requests[$0.exchange] == nil }
  }
}
