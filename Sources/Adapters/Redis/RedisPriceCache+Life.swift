import CHiredis
import Glibc
import Lanes
import Model
import Ports

/// Connecting, losing the connection, and retrying.
extension RedisPriceCache {
  func connect() {
    guard !isClosed else { return }
    breaker.tryAgain()
    attempt &+= 1
    let current = attempt
    retryTimer = lane.after(milliseconds: limits.connectMilliseconds) { [weak self] in
      guard let self, self.attempt == current, self.breaker.state == .halfOpen else { return }
      self.figures.add(to: .losses)
      self.drop()
      self.tryLater()
    }
    switch options.address.place {
    case .unixSocket(let path): open { redisConnectUnixNonBlock(path) }
    case .tcp(let host, let port, _):
      if Self.isNumeric(host) { return open { redisConnectNonBlock(host, Int32(port)) } }
      lane.lookUp(host) { [weak self] addresses in
        guard let self, self.attempt == current, self.breaker.state == .halfOpen, self.connection == nil else { return }
        // Each attempt uses another address of the same name.
        guard !addresses.isEmpty else { return self.failed() }
        let address = addresses[current % addresses.count]
        self.open { redisConnectNonBlock(address, Int32(port)) }
      }
    }
  }

  private static func isNumeric(_ host: String) -> Bool {
    var address = in6_addr()
    return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1
  }

  private func open(_ connect: () -> UnsafeMutablePointer<redisContext>?) {
    var encryption: (host: String, authorities: String?)?
    if case .tcp(let host, _, isEncrypted: true) = options.address.place {
      encryption = (host, options.authoritiesPath)
    }
    connection = RedisConnection(lane, limits, owner: self, encryption: encryption, connect: connect)
    if connection == nil { failed() }
  }

  private func failed() {
    figures.add(to: .losses)
    drop()
    tryLater()
  }

  /// Ends the connection and answers all waiting queries "unknown".
  func drop() {
    figures.isAsked = false
    connection?.close()
    connection = nil
    generation = nil
    deadlineTimer?.cancel()
    deadlineTimer = nil
    var waiting: [(place: Int, completion: (PriceAnswer) -> Void)] = []
    while let expectation = expected.popFirst() {
      if case .prices(var request) = expectation { waiting += request.end() }
    }
    for (_, completion) in waiting { completion(.unknown(.none)) }
  }

  /// Opens the breaker, and retries after a partly random pause, so that pods do not all come back at once.
  func tryLater() {
    guard !isClosed else { return }
    retryTimer?.cancel()
    attempt &+= 1
    let pause = breaker.lost(now: lane.now)
    answerAsked()
    let wait = pause &+ UInt64.random(in: 0...(pause / 4))
    retryTimer = lane.after(milliseconds: wait) { [weak self] in self?.connect() }
  }

  // MARK: Time

  func armDeadline(_ deadline: UInt64) {
    let now = lane.now
    deadlineTimer = lane.after(milliseconds: deadline > now ? deadline - now : 0) { [weak self] in
      self?.deadlineIsOver()
    }
  }

  private func deadlineIsOver() {
    deadlineTimer = nil
    let now = lane.now
    var waiting: [(place: Int, completion: (PriceAnswer) -> Void)] = []
    var isTooMuch = false
    var next: UInt64?
    expected.forEachRequest { request in
      guard !request.isOver else { return true }
      guard request.deadlineMilliseconds <= now else {
        next = request.deadlineMilliseconds
        return false
      }
      waiting += request.end()
      figures.add(to: .lateRequests)
      if breaker.late() { isTooMuch = true }
      return true
    }
    if isTooMuch {
      failed()
    } else if let next {
      armDeadline(next)
    }
    for (_, completion) in waiting { completion(.unknown(.none)) }
  }
}
