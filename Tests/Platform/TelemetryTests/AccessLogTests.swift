import Foundation
import Synchronization
import Telemetry
import Testing

@Suite struct AccessLogTests {
  private let wakes = Wakes()

  private final class Wakes: Sendable { let count = Mutex(0) }

  private func log(_ scope: AccessLog.Scope = .all, _ format: LogFormat = .text) -> AccessLog {
    AccessLog(scope: scope, format: format, clock: { 1_769_860_800_123 }) { [wakes] in
      wakes.count.withLock { $0 += 1 }
    }
  }

  private func entry(_ status: UInt16? = 200) -> AccessEntry {
    var entry = AccessEntry(requestID: "ab-3-6")
    entry.method = "POST"
    entry.path = "/stock/add/i1/5"
    entry.status = status
    entry.microseconds = 1_234
    entry.bytes = 13
    return entry
  }

  private func text(_ log: AccessLog) -> String { String(decoding: log.take(), as: UTF8.self) }

  @Test func text() {
    let log = log()
    log.add(entry())
    var refused = entry(409)
    refused.clientRequestID = "cart 7"
    refused.code = "less_in_stock"
    refused.caller = "web-shop"
    refused.isReplayed = true
    refused.microseconds = 7
    log.add(refused)
    var strange = AccessEntry(requestID: "ab-3-7")
    strange.status = 400
    strange.isOperators = true
    log.add(strange)
    let time = "2026-01-31T12:00:00.123Z info    request"
    #expect(
      text(log) == """
        \(time) answered request_id=ab-3-6 method=POST path=/stock/add/i1/5 status=200 milliseconds=1.234 bytes=13
        \(time) answered request_id=ab-3-6 client_request_id="cart 7" method=POST path=/stock/add/i1/5 status=409 \
        code=less_in_stock milliseconds=0.007 caller=web-shop bytes=13 replayed=yes
        \(time) answered request_id=ab-3-7 port=operator status=400 bytes=0

        """)
    log.add(entry(nil))
    #expect(
      text(log)
        == "\(time) abandoned request_id=ab-3-6 method=POST path=/stock/add/i1/5 milliseconds=1.234\n")
  }

  @Test func json() throws {
    let log = log(.all, .json)
    var entry = entry(404)
    entry.path = "/a\"b\n\u{1}"
    log.add(entry)
    let line = text(log)
    #expect(line.filter { $0 == "\n" }.count == 1)
    let object = try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    #expect(object["path"] as? String == "/a\"b\n\u{1}" && object["status"] as? Int == 404)
    #expect(object["milliseconds"] as? Double == 1.234 && object["level"] as? String == "info")
  }

  @Test func scopes() {
    for (scope, count) in [(AccessLog.Scope.errors, 4), (.all, 6)] {
      let log = log(scope)
      for status in [200, 204, 400, 404, 503, nil] as [UInt16?] { log.add(entry(status)) }
      #expect(text(log).split(separator: "\n").count == count && log.figures.lines == count)
    }
  }

  /// What a client sends makes no line longer than the bounds allow.
  @Test func longNamesAreCut() {
    let log = log()
    var entry = entry()
    entry.path = "/" + String(repeating: "x", count: 40_000)
    entry.clientRequestID = String(repeating: "y", count: 5_000)
    log.add(entry)
    let line = text(log)
    #expect(line.utf8.count < 1_500 && line.contains("xxx…\"") && line.contains("yyy…\""))
  }

  /// Nobody takes lines: their number is bounded, and the others are counted.
  @Test func whatFindsNoRoomIsDropped() {
    let log = log()
    log.add(entry())
    let length = UInt64(text(log).utf8.count)
    let room = UInt64(AccessLog.waitingBytesMax) / length
    for _ in 0..<(room + 5) { log.add(entry()) }
    #expect(log.figures.lines == room + 1 && log.figures.dropped == 5)
    #expect(UInt64(log.take().count) == room * length)
    log.add(entry())
    #expect(log.figures.lines == room + 2)
    log.lost(2)
    #expect(log.figures.lines == room && log.figures.dropped == 7)
    // Once for each time that the first line waits.
    #expect(wakes.count.withLock { $0 } == 3)
  }
}
