import Foundation
import Model
import Ports
import Redis
import Synchronization
import TestSupport
import Testing

/// A real server to which something happens. No question may go without its one answer.
@Suite struct FaultTests {
  @Test func nobodyListens() throws {
    let lane = try CacheOnLane("redis://127.0.0.1:\(freePort())")
    defer { lane.end() }
    #expect(lane.price("a") == nil)
    #expect(eventually { lane[.losses] >= 3 })
    #expect(lane.price("a") == nil)
    lane.remember(5, "a")
    #expect(lane[.droppedWrites] == 1 && lane[.requests] == 0)
  }

  @Test func killedAndStartedAgain() throws {
    let server = try RedisServer()
    let lane = try CacheOnLane(server.url)
    defer { lane.end() }
    #expect(lane.isConnected)
    lane.remember(5, "a")
    #expect(lane.price("a") == 5)
    server.end()
    #expect(lane.price("a") == nil)
    #expect(eventually { lane[.losses] >= 2 })
    let again = try RedisServer(port: server.port)
    #expect(lane.isConnected)
    #expect(lane.price("a") == nil)
    lane.remember(6, "a")
    #expect(lane.price("a") == 6)
    again.end()
  }

  @Test func flushed() throws {
    let server = try RedisServer()
    let lane = try CacheOnLane(server.url)
    defer { lane.end() }
    #expect(lane.isConnected)
    lane.run { $0.removeAll() }
    lane.remember(5, "a")
    #expect(eventually { lane.isConnected && lane.price("b") == nil })
    server.ask("FLUSHALL")
    #expect(lane.price("a") == nil)
    // A write that a busy machine delays too long is given up.
    #expect(
      eventually {
        lane.remember(6, "a")
        return lane.price("a") == 6
      })
    #expect(lane[.losses] == 0)
  }

  @Test func stoppedServerCostsAnswersTheirTimeOnlyUntilTheBreakerOpens() throws {
    let server = try RedisServer()
    let lane = try CacheOnLane(server.url) {
      $0.answerMilliseconds = 20
      $0.connectMilliseconds = 100
      $0.lateRequestsMax = 3
    }
    defer { lane.end() }
    #expect(lane.isConnected)
    server.signal(SIGSTOP)
    defer { server.signal(SIGCONT) }
    #expect(eventually { lane.price("a") == nil && !lane.cache.figures.isAsked })
    #expect(lane[.lateRequests] == 3 && lane[.losses] >= 1)
    let requests = lane[.requests]
    #expect(lane.prices((0..<1_000).map { "n\($0)" })?.count == 1_000)
    #expect(lane[.requests] == requests, "nothing is asked while the breaker is open")
    // A stopped server accepts connections: only the log-in tells.
    #expect(eventually { lane[.losses] >= 3 })
    #expect(!lane.cache.figures.isAsked)
    server.signal(SIGCONT)
    #expect(lane.isConnected)
    #expect(
      eventually {
        lane.remember(6, "a")
        return lane.price("a") == 6
      })
  }

  @Test func fullServerRefusesWritesAndIsStillRead() throws {
    let server = try RedisServer(["--maxmemory-policy", "noeviction"])
    let lane = try CacheOnLane(server.url) { $0.writePauseMilliseconds = 50 }
    defer { lane.end() }
    #expect(lane.isConnected)
    lane.remember(5, "a")
    #expect(lane.price("a") == 5)
    #expect(server.ask("CONFIG SET maxmemory 1") == "+OK\r\n")
    lane.remember(6, "b")
    #expect(eventually { lane[.refusedWrites] == 1 })
    #expect(lane.prices(["a", "b"]) == [5, nil])
    lane.remember(6, "b")
    // A removal that Redis does not take: no price of it is believed until it does.
    lane.run { $0.removeAll() }
    #expect(lane.price("a") == nil)
    #expect(eventually { lane[.refusedWrites] >= 2 })
    #expect(lane.price("a") == nil)
    #expect(server.ask("CONFIG SET maxmemory 0") == "+OK\r\n")
    #expect(
      eventually {
        lane.remember(7, "b")
        return lane.price("b") == 7
      })
    #expect(lane.price("a") == nil)
    #expect(lane[.losses] == 0)
  }

  @Test func wrongPassword() throws {
    let server = try RedisServer(["--requirepass", "secret"])
    for url in ["redis://:other@127.0.0.1:\(server.port)", server.url] {
      let lane = try CacheOnLane(url)
      #expect(eventually { lane[.refusedLogIns] >= 2 })
      #expect(lane.price("a") == nil && !lane.cache.figures.isAsked)
      lane.end()
    }
  }

  @Test func foreignValues() throws {
    let server = try RedisServer()
    let lane = try CacheOnLane(server.url)
    defer { lane.end() }
    #expect(lane.isConnected)
    server.ask("SET kassa:generation 7")
    let values = [
      "text", "1 7 -1", "1 7 9007199254740992", "1 7 99999999999999999999", "2 7 5", "1 7", "1  5", "1 7 5 6",
      "1 7 0x5",
      String(repeating: "9", count: 4_000),
    ]
    for (index, value) in values.enumerated() { server.ask("SET kassa:price:v\(index) \"\(value)\"") }
    server.ask("LPUSH kassa:price:list 1")
    server.ask("SET kassa:price:good \"1 7 5\"")
    #expect(lane.prices(values.indices.map { "v\($0)" }) == values.map { _ in nil })
    #expect(lane[.rubbish] == UInt64(values.count))
    #expect(lane.prices(["list", "good"]) == [nil, 5])
    // A generation that Kassa never wrote is replaced by one of its own.
    server.ask("SET kassa:generation nonsense")
    #expect(lane.price("good") == nil)
    #expect(
      eventually {
        lane.remember(6, "good")
        return lane.price("good") == 6
      })
    #expect(lane[.losses] == 0)
  }

  @Test func closedCacheAnswersNil() throws {
    let server = try RedisServer()
    let lane = try CacheOnLane(server.url)
    #expect(lane.isConnected)
    let isAnswered = Mutex(0)
    let count = Counter(isAnswered)
    lane.run { cache in
      for index in 0..<10 { cache.price(of: ItemID(unchecked: "i\(index)")) { _ in count.add() } }
      cache.close()
      cache.price(of: ItemID(unchecked: "behind")) { _ in count.add() }
      cache.remember(.zero, of: ItemID(unchecked: "behind"), asked: .none)
      cache.removeAll()
    }
    #expect(count.value == 11)
    lane.end()
  }

  final class Counter: Sendable {
    private let content: Mutex<Int>
    init(_ content: consuming Mutex<Int>) { self.content = content }
    func add() { content.withLock { $0 += 1 } }
    var value: Int { content.withLock { $0 } }
  }
}
