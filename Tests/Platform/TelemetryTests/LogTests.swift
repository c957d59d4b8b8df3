import Foundation
import Synchronization
import Telemetry
import Testing

@Suite struct LogTests {
  /// Keeps what is written, and a clock that the test moves.
  final class Paper: Sendable {
    let lines = Mutex<[String]>([])
    let now = Mutex<Int64>(1_769_860_800_123)
    func log(_ level: LogLevel = .info, _ format: LogFormat = .text) -> Log {
      Log(level: level, format: format, clock: { self.now.withLock { $0 } }) { line in
        self.lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
      }
    }
    var all: [String] { lines.withLock { $0 } }
  }

  @Test func text() {
    let paper = Paper()
    let log = paper.log()
    log.debug("not this")
    log.info("partition took over", ["partition": "orders-3", "epoch": 7, "reason": "a \"b\"\n\u{1}c", "empty": ""])
    log.warning("careful", ["what": LogValue(UInt64.max), "sign": "a=b", "word": "é"])
    #expect(
      paper.all == [
        "2026-01-31T12:00:00.123Z info    partition took over partition=orders-3 epoch=7 "
          + "reason=\"a \\\"b\\\"\\n\\u0001c\" empty=\"\"\n",
        "2026-01-31T12:00:00.123Z warning careful what=9223372036854775807 sign=\"a=b\" word=\"é\"\n",
      ])
  }

  @Test func json() throws {
    let paper = Paper()
    paper.log(.debug, .json).debug("a \"message\"", ["key": "\u{0}\\\"\nx\u{7F}", "number": -5])
    let line = try #require(paper.all.first)
    #expect(line.hasSuffix("}\n") && line.filter { $0 == "\n" }.count == 1)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    #expect(object["message"] as? String == "a \"message\"" && object["level"] as? String == "debug")
    #expect(object["key"] as? String == "\u{0}\\\"\nx\u{7F}" && object["number"] as? Int == -5)
    #expect(object["time"] as? String == "2026-01-31T12:00:00.123Z")
  }

  @Test func repetitionsAreCounted() {
    let paper = Paper()
    let log = paper.log()
    for _ in 0..<100 { log.error("the disk is full") }
    log.error("something else")
    #expect(paper.all.count == Log.repetitionsMax + 1)
    paper.now.withLock { $0 += 1_000 }
    log.error("the disk is full", ["path": "/x"])
    log.error("the disk is full")
    #expect(paper.all.suffix(2).first?.hasSuffix("the disk is full path=/x suppressed=80\n") == true)
    #expect(paper.all.last?.hasSuffix("the disk is full\n") == true)
  }

  @Test func levels() {
    let paper = Paper()
    let log = paper.log(.error)
    log.info("a")
    log.warning("b")
    log.error("c")
    #expect(paper.all.count == 1)
    log.level = .warning
    log.info("d")
    log.warning("e")
    #expect(paper.all.count == 2 && log.level == .warning)
    #expect(LogLevel(name: "warning") == .warning && LogLevel(name: "loud") == nil)
  }

  @Test(
    arguments: [
      (0, "1970-01-01T00:00:00.000Z"), (951_782_400_000, "2000-02-29T00:00:00.000Z"),
      (1_709_251_199_999, "2024-02-29T23:59:59.999Z"), (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
      (253_402_300_799_999, "9999-12-31T23:59:59.999Z"), (.max, "9999-12-31T23:59:59.999Z"),
      (-1, "1970-01-01T00:00:00.000Z"),
    ] as [(Int64, String)])
  func times(_ milliseconds: Int64, _ text: String) {
    #expect(UTCTime(milliseconds: milliseconds).description == text)
  }

  @Test func cellsAreSafeOutside() {
    let cells = CounterCells(count: 2)
    cells.add(3, to: 1)
    cells.add(.max, to: 1)
    cells.add(1, to: 2)
    cells.add(1, to: -1)
    cells.set(9, at: 0)
    #expect(cells.value(at: 0) == 9 && cells.value(at: 1) == 2 && cells.value(at: 2) == 0)
  }
}
