import CHiredis
import Lanes
import Model
import Ports

/// Redis's replies.
extension RedisPriceCache: RedisConnection.Owner {
  func connectionOpened(_ connection: RedisConnection) {
    guard connection === self.connection else { return }
    connection.write { output in
      if let password = options.address.password {
        let user = options.address.user.map { [Array($0.utf8)] } ?? []
        RedisCommand.append([Array("AUTH".utf8)] + user + [Array(password.utf8)], to: &output)
        expected.append(.logIn)
      }
      if options.address.database != 0 {
        RedisCommand.append([Array("SELECT".utf8), Array(String(options.address.database).utf8)], to: &output)
        expected.append(.logIn)
      }
      // With MGET: it treats a value of another type as missing, while GET would report an error.
      RedisCommand.append([Array("MGET".utf8), generationKey], to: &output)
    }
    expected.append(.generation)
  }

  func connectionLost(_ reason: RedisConnection.Loss, _ connection: RedisConnection) {
    guard connection === self.connection else { return }
    figures.add(to: .losses)
    if reason == .rubbish { figures.add(to: .rubbish) }
    drop()
    tryLater()
  }

  func connectionReceived(_ reply: borrowing RedisReply, _ connection: RedisConnection) {
    guard connection === self.connection else { return }
    switch expected.popFirst() {
    case .none: connectionLost(.rubbish, connection)
    case .logIn: if reply.kind == .error { refuseLogIn() }
    case .generation: generationReceived(reply)
    case .prices(let request): pricesReceived(request, reply)
    case .write: if reply.kind == .error { writeRefused() }
    case .firstGeneration(let first): firstGenerationAnswered(first, reply)
    case .removal(let number, let next): removalAnswered(number, next, reply)
    }
  }

  private func refuseLogIn() {
    figures.add(to: .refusedLogIns)
    drop()
    tryLater()
  }

  private func generationReceived(_ reply: borrowing RedisReply) {
    guard reply.kind == .array, reply.count == 1 else {
      // The server is loading its data, or wants a password.
      return refuseLogIn()
    }
    retryTimer?.cancel()
    retryTimer = nil
    breaker.connected()
    figures.add(to: .connects)
    figures.isAsked = true
    learnGeneration(reply)
    sendRemoval()
    connection?.flush()
  }

  /// If there is no generation, starts one, and trusts nothing before that; replaces one that Kassa never wrote.
  private func learnGeneration(_ reply: borrowing RedisReply) {
    guard reply.hasElement(0) else {
      generation = nil
      sendFirstGeneration()
      return
    }
    generation = reply.element(0, bytesMax: limits.valueBytesMax, StoredPrice.generation)
    guard generation == nil else { return }
    figures.add(to: .rubbish)
    if !owesRemoval { removals &+= 1 }
    sendRemoval()
  }

  private func pricesReceived(_ asked: PriceRequest, _ reply: borrowing RedisReply) {
    var request = asked
    guard reply.kind == .array, reply.count == request.items.count + 1 else {
      if reply.kind == .error { figures.add(to: .errorReplies) } else { figures.add(to: .rubbish) }
      for (_, completion) in request.end() { completion(.unknown(.none)) }
      return
    }
    if !request.isOver { breaker.answered() }
    if !request.isForgotten { learnGeneration(reply) }
    let isBelieved = !request.isForgotten && !owesRemoval
    let prices = request.items.indices.map { isBelieved ? price(reply, $0 + 1) : nil }
    let ticket = isBelieved ? PriceTicket(generation: generation) : .none
    let waiting = request.end()
    for (place, _) in waiting { figures.add(to: prices[place] == nil ? .misses : .hits) }
    for (place, completion) in waiting { completion(prices[place].map(PriceAnswer.known) ?? .unknown(ticket)) }
  }

  private func price(_ reply: borrowing RedisReply, _ index: Int) -> Money? {
    guard let generation, reply.hasElement(index) else { return nil }
    let reading = reply.element(index, bytesMax: limits.valueBytesMax) {
      StoredPrice.read($0, generation: generation)
    }
    switch reading {
    case .price(let price): return price
    case .otherGeneration: return nil
    case .rubbish, .none:
      figures.add(to: .rubbish)
      return nil
    }
  }

  private func writeRefused() {
    figures.add(to: .refusedWrites)
    writesResumeAt = lane.now &+ limits.writePauseMilliseconds
  }

  /// Another pod's may exist by now: the next answer shows.
  private func firstGenerationAnswered(_ first: UInt64, _ reply: borrowing RedisReply) {
    switch reply.kind {
    case .error: writeRefused()
    case .status: if generation == nil { generation = first }
    default: break
    }
  }

  private func removalAnswered(_ number: UInt64, _ next: UInt64, _ reply: borrowing RedisReply) {
    if reply.kind == .error {
      writeRefused()
    } else {
      generation = next
      confirmedRemovals = number
    }
    sendRemoval()
  }
}
