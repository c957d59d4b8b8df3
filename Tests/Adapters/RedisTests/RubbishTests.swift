import Foundation
import Redis
import Synchronization
import TestSupport
import Testing

/// A server that is no Redis, or one gone mad.
@Suite struct RubbishTests {
  /// What a log-in is answered with before the rubbish comes.
  static let loggedIn = Array("*1\r\n$1\r\n7\r\n".utf8)

  static let replies: [(name: String, bytes: [UInt8])] = [
    ("another protocol", Array("HTTP/1.1 400 Bad Request\r\n\r\n".utf8)),
    ("a reply that nobody asked for", Array("*2\r\n$-1\r\n$-1\r\n+OK\r\n+OK\r\n:7\r\n".utf8)),
    ("an array without end", Array("*2147483647\r\n".utf8)),
    ("an array of negative length", Array("*-2147483648\r\n".utf8)),
    ("a number out of range", Array("*99999999999999999999\r\n".utf8)),
    ("arrays within arrays", Array(String(repeating: "*1\r\n", count: 50).utf8)),
    ("a string of a gigabyte", Array("*2\r\n$-1\r\n$1073741824\r\n".utf8) + [UInt8](repeating: 120, count: 2 << 20)),
    ("a line without end", Array("+".utf8) + [UInt8](repeating: 120, count: 2 << 20)),
    ("zeros", [UInt8](repeating: 0, count: 100)),
  ]

  @Test(arguments: replies.map(\.name)) func endsTheConnection(_ name: String) throws {
    let bytes = Self.replies.first { $0.name == name }?.bytes ?? []
    let server = try FakeRedis { chunk in chunk == 0 ? Self.loggedIn : bytes }
    let lane = try CacheOnLane(server.url) { $0.answerMilliseconds = 500 }
    #expect(lane.isConnected)
    #expect(
      eventually {
        _ = lane.price("a")
        return lane[.rubbish] >= 1 && lane[.losses] >= 1
      })
    #expect(lane.isConnected, "it tries again")
    lane.end()
    server.end()
  }

  /// Whole replies of a wrong shape are answered nil; the connection goes on.
  @Test(arguments: [
    "*1\r\n$1\r\n0\r\n", "$1\r\nx\r\n", ":1\r\n", "+OK\r\n", "*3\r\n$1\r\n0\r\n:1\r\n:2\r\n", "$-1\r\n",
  ])
  func wrongShapes(_ reply: String) throws {
    let server = try FakeRedis { chunk in chunk == 0 ? Self.loggedIn : Array(reply.utf8) }
    let lane = try CacheOnLane(server.url)
    #expect(lane.isConnected)
    #expect(lane.price("a") == nil && lane.price("b") == nil)
    #expect(lane[.rubbish] == 2 && lane[.losses] == 0)
    lane.end()
    server.end()
  }

  @Test func errorReplies() throws {
    let server = try FakeRedis { chunk in chunk == 0 ? Self.loggedIn : Array("-LOADING Redis is loading\r\n".utf8) }
    let lane = try CacheOnLane(server.url)
    #expect(lane.isConnected)
    #expect(lane.prices(["a", "b"]) == [nil, nil])
    #expect(lane[.errorReplies] == 1)
    lane.end()
    server.end()
  }

  @Test func randomBytes() throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    let generator = Mutex(SeededGenerator(seed: seed))
    let source = Source(generator)
    let server = try FakeRedis { chunk in chunk == 0 ? Self.loggedIn : source.bytes() }
    let lane = try CacheOnLane(server.url) {
      $0.answerMilliseconds = 5
      $0.openMillisecondsMin = 1
      $0.openMillisecondsMax = 2
    }
    var answered = 0
    #expect(
      eventually {
        if lane.prices(["a", "b", "c"]) != nil { answered += 1 }
        return lane[.losses] >= 50
      }, "seed \(seed)")
    #expect(answered > 0)
    lane.end()
    server.end()
  }

  /// Bytes among which the protocol's own marks are frequent.
  final class Source: Sendable {
    private let content: Mutex<SeededGenerator>
    init(_ content: consuming Mutex<SeededGenerator>) { self.content = content }

    func bytes() -> [UInt8] {
      let marks = Array("*$:+-\r\n0123456789".utf8)
      return content.withLock { generator in
        (0..<Int.random(in: 1...200, using: &generator)).map { _ in
          Bool.random(using: &generator)
            ? marks[Int.random(in: 0..<marks.count, using: &generator)] : UInt8.random(in: 0...255, using: &generator)
        }
      }
    }
  }
}
