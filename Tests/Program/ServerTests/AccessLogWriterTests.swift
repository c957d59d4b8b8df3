import Foundation
import Settings
import Synchronization
import Telemetry
import TestSupport
import Testing

@testable import Server

@Suite struct AccessLogWriterTests {
  /// A reader that can be slow.
  private final class Reader: Sendable {
    private let writes = Mutex<[String]>([])
    let gate = Gate()

    func take(_ lines: ArraySlice<UInt8>) {
      gateWait()
      writes.withLock { $0.append(String(decoding: lines, as: UTF8.self)) }
    }
    private func gateWait() { _ = gate.wait(milliseconds: 60_000) }

    var all: [String] { writes.withLock { $0 } }
  }

  private func entry(_ number: Int) -> AccessEntry {
    var entry = AccessEntry(requestID: "ab-3-\(number)")
    entry.status = 200
    entry.path = "/" + String(repeating: "x", count: 200)
    return entry
  }

  /// Each write is of whole lines, and short enough for a pipe to take it undivided; none is lost.
  @Test func linesAreWrittenWhole() {
    let reader = Reader()
    let writer = AccessLogWriter(.all, .text) {
      reader.take($0)
      return true
    }
    #expect(writer.start())
    for number in 0..<200 { writer.log.add(entry(number)) }
    reader.gate.open()
    writer.end()
    let writes = reader.all
    #expect(writes.allSatisfy { $0.hasSuffix("\n") && $0.utf8.count <= AccessLogWriter.writeBytesMax })
    #expect(writes.joined().split(separator: "\n").count == 200 && writes.count < 100)
    #expect(writer.log.figures == (200, 0))
  }

  /// Whoever serves does not wait for a reader that does not read, nor does the end of the process.
  @Test func aSlowReaderHoldsNobodyUp() {
    let reader = Reader()
    let writer = AccessLogWriter(.all, .text) {
      reader.take($0)
      return true
    }
    #expect(writer.start())
    let taken = ContinuousClock().measure {
      for number in 0..<20_000 { writer.log.add(entry(number)) }
      writer.end(milliseconds: 50)
    }
    #expect(taken < .seconds(30), "\(taken)")
    let (lines, dropped) = writer.log.figures
    #expect(lines + dropped == 20_000 && dropped > 5_000)
    reader.gate.open()
  }

  @Test func whatCannotBeWrittenIsCounted() {
    let writer = AccessLogWriter(.all, .text) { _ in false }
    #expect(writer.start())
    for number in 0..<3 { writer.log.add(entry(number)) }
    writer.end()
    #expect(writer.log.figures == (0, 3))
  }

  @Test func aLineLongerThanAWriteIsOne() {
    let long = Array((String(repeating: "x", count: 5_000) + "\ny\n").utf8)
    #expect(AccessLogWriter.wholeLines(long[...]) == 5_001)
    #expect(AccessLogWriter.wholeLines(long[5_001...]) == 2)
  }
}
