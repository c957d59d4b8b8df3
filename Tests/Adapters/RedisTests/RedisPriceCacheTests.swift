import Lanes
import Model
import Ports
import Redis
import TestSupport
import Testing

/// Against a real server that is well.
@Suite struct RedisPriceCacheTests {
  @Test func remembersForAllPods() throws {
    let server = try RedisServer()
    let (first, second) = (try CacheOnLane(server.url), try CacheOnLane(server.url))
    defer { for lane in [first, second] { lane.end() } }
    #expect(first.isConnected && second.isConnected)
    #expect(first.price("a") == nil)
    first.remember(1_250, "a")
    first.remember(0, "free")
    first.remember(Money.max, "dear")
    #expect(first.prices(["a", "free", "none", "dear"]) == [1_250, 0, nil, Money.max])
    #expect(second.price("a") == 1_250)
    first.remember(1_300, "a")
    #expect(first.price("a") == 1_300)
    #expect(second.price("a") == 1_300)
    #expect(first[.rubbish] == 0 && first[.losses] == 0)
  }

  @Test func oneTurnIsOneRequest() throws {
    let server = try RedisServer()
    let lane = try CacheOnLane(server.url)
    defer { lane.end() }
    #expect(lane.isConnected)
    lane.remember(7, "i7")
    let (before, misses) = (lane[.requests], lane[.misses])
    let items = (0..<300).map { "i\($0 % 100)" }
    #expect(lane.prices(items) == items.map { $0 == "i7" ? 7 : nil })
    #expect(lane[.requests] == before + 1)
    #expect(lane[.hits] == 3 && lane[.misses] == misses + 297)
    #expect(lane.prices((0..<1_500).map { "n\($0)" })?.count == 1_500)
    #expect(lane[.requests] == before + 4, "512 items a request")
  }

  @Test func questionsBeyondTheBoundsAreNotAsked() throws {
    let server = try RedisServer()
    let lane = try CacheOnLane(server.url) {
      $0.itemsPerRequestMax = 2
      $0.requestsInFlightMax = 3
    }
    defer { lane.end() }
    #expect(lane.isConnected)
    #expect(lane.prices((0..<20).map { "n\($0)" }) == Array(repeating: nil, count: 20))
    #expect(lane[.requests] == 3 && lane[.refusedAtBound] == 14)
  }

  @Test func pricesExpire() throws {
    let server = try RedisServer()
    let lane = try CacheOnLane(server.url, lifetime: 40)
    defer { lane.end() }
    #expect(lane.isConnected)
    lane.remember(5, "a")
    #expect(eventually { lane.price("a") == nil })
    #expect(server.ask("EXISTS kassa:price:a") == ":0\r\n")
  }

  @Test func removeAllForgetsForAllPods() throws {
    let server = try RedisServer()
    let (first, second) = (try CacheOnLane(server.url), try CacheOnLane(server.url))
    defer { for lane in [first, second] { lane.end() } }
    #expect(first.isConnected && second.isConnected)
    first.remember(5, "a")
    #expect(second.price("a") == 5)
    first.run { $0.removeAll() }
    #expect(eventually { first.price("a") == nil && second.price("a") == nil })
    // Written by a pod that has seen the new generation, believed by the other.
    second.remember(6, "a")
    // A cache that takes too long says nothing, as if it did not know.
    #expect(eventually { second.price("a") == 6 && first.price("a") == 6 })
  }

  @Test func priceOfAnOlderGenerationNeverComesBack() throws {
    let server = try RedisServer()
    let (first, late) = (try CacheOnLane(server.url), try CacheOnLane(server.url))
    defer { for lane in [first, late] { lane.end() } }
    #expect(first.isConnected && late.isConnected)
    let ticket = late.ticket
    let old = try #require(ticket.generation)
    first.run { $0.removeAll() }
    // A write that a busy machine delays too long is given up.
    #expect(
      eventually {
        first.remember(9, "a")
        return first.price("a") == 9
      })
    // The late pod has not looked since: what it writes is of the generation before.
    #expect(
      eventually {
        if late[.writes] == 0 { late.remember(5, "a", asked: ticket) }
        return late[.writes] > 0 && server.ask("GET kassa:price:a").contains("1 \(old) 5")
      })
    #expect(first.price("a") == nil)
    // Now it has looked: what it asked for before is not written any more.
    #expect(late.price("a") == nil)
    let writes = late[.writes]
    late.remember(5, "a", asked: ticket)
    #expect(late[.writes] == writes && late[.droppedWrites] >= 1)
  }

  /// Redis evicts the generation, or somebody deletes it, again and again: no price from before a `removeAll` is
  /// believed again.
  @Test func aLostGenerationBringsNoOldPriceBack() throws {
    let server = try RedisServer()
    let (first, second) = (try CacheOnLane(server.url), try CacheOnLane(server.url))
    defer { for lane in [first, second] { lane.end() } }
    #expect(first.isConnected && second.isConnected)
    var seen: Set<String> = []
    for round in Int64(1)...4 {
      for lane in [first, second] { #expect(lane.price("a") == nil, "\(round)") }
      // A question finds no generation, and the price that it leads to is of none that comes again.
      server.ask("DEL kassa:generation")
      for lane in [first, second] { #expect(lane.price("a") == nil) }
      #expect(
        eventually {
          first.remember(round, "a")
          return second.price("a") == round
        })
      let generation = server.ask("GET kassa:generation")
      #expect(!generation.contains("$-1") && seen.insert(generation).inserted, "\(generation)")
      // The price changes, and the stock service says so; the generation is lost again.
      first.run { $0.removeAll() }
      #expect(eventually { server.ask("GET kassa:generation") != generation })
      server.ask("DEL kassa:generation")
    }
  }

  @Test func removeAllForgetsAnswersUnderWay() throws {
    let server = try RedisServer()
    let lane = try CacheOnLane(server.url)
    defer { lane.end() }
    #expect(lane.isConnected)
    lane.remember(5, "a")
    #expect(lane.price("a") == 5)
    let told = CacheOnLane.Flag()
    let old = CacheOnLane.Flag()
    lane.run { cache in
      cache.price(of: ItemID(unchecked: "a")) { answer in
        if case .known(_) = answer { old.set() }
        told.set()
      }
      cache.removeAll()
    }
    #expect(eventually { told.isSet })
    #expect(!old.isSet)
  }

  @Test func unixSocketPasswordAndDatabase() throws {
    let server = try RedisServer(["--requirepass", "p@ss word"])
    let lane = try CacheOnLane("unix://:p%40ss%20word@\(server.folder.path)/redis.sock?db=3")
    defer { lane.end() }
    #expect(lane.isConnected)
    lane.remember(5, "a")
    #expect(lane.price("a") == 5)
    let other = try CacheOnLane("redis://default:p%40ss%20word@localhost:\(server.port)/2")
    defer { other.end() }
    #expect(other.isConnected)
    #expect(other.price("a") == nil, "another database")
  }

  @Test func prefixesKeepClustersApart() throws {
    let server = try RedisServer()
    let (first, second) = (try CacheOnLane(server.url, prefix: "a:"), try CacheOnLane(server.url, prefix: "b:"))
    defer { for lane in [first, second] { lane.end() } }
    #expect(first.isConnected && second.isConnected)
    first.remember(5, "x")
    #expect(first.price("x") == 5)
    #expect(second.price("x") == nil)
  }
}
