import CRdKafka
import Ports
import Glibc
import Lanes
import Model
import Synchronization
import TestSupport
import Testing

@testable import Kafka

/// Kassa's own producer against librdkafka's mock brokers, and against what is no broker.
@Suite struct MockProducerTests {
  private static let all = Service.allCases.flatMap { service in (0..<4).map { PartitionID(service, $0) } }

  @Test func aTurnsAppendsForABrokerAreOneRequest() throws {
    let bench = try MockCluster().records(.own)
    for number in 1...10 as ClosedRange<UInt64> {
      #expect(bench.write(Self.all.map { logAppend($0, number) }).allSatisfy { $0.offset == Int64(number - 1) })
    }
    let statistics = bench.log.statistics
    #expect(statistics.requests == 10 && statistics.recordsAcknowledged == 120, "\(statistics)")
    bench.close()
  }

  /// Only who appends over plain connections on a loop does it by itself.
  @Test func leavesToLibrdkafkaWhatItCannotDo() throws {
    let cluster = try MockCluster()
    for (setting, value, isOwn) in [
      ("log_level", "0", true), ("security.protocol", "PLAINTEXT", true), ("security.protocol", "ssl", false),
      ("socket.timeout.ms", "1000", false), ("sasl.username", "x", false),
    ] {
      var options = try cluster.options()
      try options.properties.set(setting, value)
      #expect(options.properties.arePlain == isOwn, "\(setting)")
    }
    let bench = try cluster.records(.own) { try $0.properties.set("socket.timeout.ms", "60000") }
    #expect(bench.write([logAppend(orders, 1), logAppend(stock, 1)]).allSatisfy { $0.offset == 0 })
    #expect(bench.log.statistics.requests == 0)
    bench.close()
  }

  @Test func followsLeaders() throws {
    let cluster = try MockCluster(brokerCount: 3)
    let bench = try cluster.records(.own) { $0.commandTimeoutMilliseconds = 20_000 }
    for number in 1...9 as ClosedRange<UInt64> {
      cluster.lead(orders, by: Int32(number % 3) + 1)
      cluster.lead(stock, by: Int32((number + 1) % 3) + 1)
      let texts = bench.write([logAppend(orders, number), logAppend(stock, number)]).map(\.text).sorted()
      #expect(texts == ["orders-0@\(number - 1)#\(number)", "stock-1@\(number - 1)#\(number)"])
    }
    #expect(bench.log.statistics.recordsUnknown == 0)
    bench.close()
  }

  /// What a broker had when it went away goes to the next leader, or to itself when it is back.
  @Test func outlastsBrokersThatAreAway() throws {
    let cluster = try MockCluster(brokerCount: 3)
    let bench = try cluster.records(.own) { $0.commandTimeoutMilliseconds = 20_000 }
    cluster.lead(orders, by: 2)
    cluster.lead(stock, by: 3)
    #expect(bench.write([logAppend(orders, 1), logAppend(stock, 1)]).allSatisfy { $0.offset == 0 })
    cluster.setUp(false, broker: 2)
    cluster.setUp(false, broker: 3)
    bench.append([logAppend(orders, 2), logAppend(stock, 2)])
    usleep(300_000)
    #expect(bench.takeConfirmations().isEmpty)
    cluster.lead(orders, by: 1)
    #expect(bench.confirmations(1).map(\.text) == ["orders-0@1#2"])
    cluster.setUp(true, broker: 3)
    #expect(bench.confirmations(1).map(\.text) == ["stock-1@1#2"])
    #expect(bench.troubles.contains { $0.contains("127.0.0.1:") }, "\(bench.troubles)")
    bench.close()
  }

  /// A broker that did what it was asked and goes away before it says so is asked again: the record stands twice.
  @Test func aRepetitionIsConfirmedAtItsSecondPlace() throws {
    let cluster = try MockCluster()
    let bench = try cluster.records(.own) { $0.commandTimeoutMilliseconds = 30_000 }
    #expect(bench.write([logAppend(orders, 1)]).map(\.text) == ["orders-0@0#1"])
    cluster.delayAnswers(milliseconds: 5_000)
    bench.append([logAppend(orders, 2)])
    usleep(200_000)
    cluster.setUp(false)
    cluster.delayAnswers(milliseconds: 0)
    cluster.setUp(true)
    let confirmation = bench.confirmations(1)
    #expect(confirmation.map(\.text) == ["orders-0@2#2"])
    try bench.log.read([orders: 1], by: 0)
    #expect(bench.readEvents().map(\.text) == ["orders-0@1#2", "orders-0@2#2", "orders-0 ends 3"])
    bench.close()
  }

  /// More appends under way than a partition has, while brokers refuse some: they stand in their order, once.
  @Test func keepsTheOrder() throws {
    let cluster = try MockCluster()
    let bench = try cluster.records(.own) { $0.commandTimeoutMilliseconds = 20_000 }
    for number in 1...200 as ClosedRange<UInt64> {
      if number % 40 == 0 {
        cluster.fail(.produce, [RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION])
      }
      bench.append([logAppend(orders, number), logAppend(payments, number)])
    }
    #expect(bench.confirmations(400).allSatisfy { $0.offset == $0.number.map { Int64($0) - 1 } })
    #expect(bench.log.statistics.requests < 200, "those that waited went together")
    bench.close()
  }

  /// The lanes have ended, and nobody else looks at their sockets.
  @Test func takesWhatIsUnderWayAtItsEnd() throws {
    let cluster = try MockCluster()
    let bench = try cluster.records(.own)
    #expect(bench.write([logAppend(orders, 1)]).count == 1)
    cluster.delayAnswers(milliseconds: 300)
    bench.append([logAppend(orders, 2), logAppend(stock, 1)])
    bench.close()
    #expect(Set(bench.log.takeConfirmations(of: 0).map(\.text)) == ["orders-0@1#2", "stock-1@0#1"])
  }

  @Test func waitsNoLongerThanItMayAtItsEnd() throws {
    let cluster = try MockCluster()
    let bench = try cluster.records(.own) { $0.closeTimeoutMilliseconds = 100 }
    cluster.setUp(false)
    bench.append([logAppend(orders, 1)])
    let begin = ContinuousClock.now
    bench.close()
    #expect(ContinuousClock.now - begin < .seconds(4))
    #expect(bench.log.takeConfirmations(of: 0).isEmpty, "nobody knows")
  }

  /// Whatever answers there: it is told, what is appended is of unknown fate, and the lane lives.
  @Test(arguments: [
    [UInt8](repeating: 0xFF, count: 100), [0, 0, 0, 4, 0, 0, 0, 9], [0, 0, 0, 6, 0, 0, 0, 1, 0, 35],
    [0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0x7F, 0xFF], [],
  ])
  func outlivesWhatIsNotABroker(answer: [UInt8]) throws {
    let other = try #require(RubbishServer(answer))
    var options = try MockCluster().options()
    options.brokers = "127.0.0.1:\(other.port)"
    options.commandTimeoutMilliseconds = 400
    let bench = try LogBench(options, .own, lanes: 1)
    #expect(bench.write([logAppend(orders, 1)]).map(\.text) == ["orders-0@-#1"])
    #expect(bench.write([logAppend(orders, 1)]).map(\.text) == ["orders-0@-#1"])
    #expect(bench.troubles.count { $0.hasPrefix("127.0.0.1:\(other.port): ") } == 1, "\(bench.troubles)")
    bench.close()
    other.end()
  }

  /// Names are looked up, one broker that answers is enough, and others cost nothing.
  @Test func findsTheBrokersByName() throws {
    let cluster = try MockCluster()
    let port = try #require(cluster.brokers.split(separator: ":").last)
    let bench = try cluster.records(.own) { $0.brokers = "no-such-host.invalid:1,127.0.0.1:1,localhost:\(port)" }
    #expect(bench.write([logAppend(orders, 1)]).map(\.text) == ["orders-0@0#1"])
    bench.close()
  }
}

/// Takes connections, writes the same to each when it has read something, and ends it.
private final class RubbishServer: Sendable {
  let port: UInt16
  private let lane: Lane

  init?(_ answer: [UInt8]) {
    guard let lane = try? Lane(index: 0), let socket = SocketDescriptor.make(AF_INET),
      let address = SocketAddress("127.0.0.1", 0), address.with({ bind(socket.number, $0, $1) }) == 0,
      listen(socket.number, 16) == 0
    else { return nil }
    (self.lane, port) = (lane, socket.port)
    let watch = try? lane.watch(socket.number, for: .readable) { _ in
      let number = accept(socket.number, nil, nil)
      guard number >= 0 else { return }
      var byte = [UInt8](repeating: 0, count: 256)
      _ = recv(number, &byte, byte.count, 0)
      _ = send(number, answer, answer.count, Int32(MSG_NOSIGNAL))
      close(number)
    }
    guard watch != nil, (try? lane.start { false }) != nil else { return nil }
  }

  func end() {
    lane.stop()
    lane.join()
  }
}
