import Settings
import Synchronization
import Telemetry
import Testing

@testable import kassa

@Suite struct ServeEndingTests {
  private final class Paper: Sendable {
    let text = Mutex("")
  }

  private func told(_ ending: ServeEnding) -> String {
    let paper = Paper()
    let journal = Log(level: .info, clock: { 0 }) { line in
      paper.text.withLock { $0 += String(decoding: line, as: UTF8.self) }
    }
    ending.reportStopping(after: 7, journal)
    ending.reportEnd(journal)
    return paper.text.withLock { $0 }
  }

  @Test(arguments: [
    (ServeEnding.signal("SIGTERM", isForBalancers: true), Int64(200), Int32(0)),
    (.signal("SIGINT", isForBalancers: false), 0, 0),
    (.diskFailed(reason: "log.sqlite: no space"), 5_000, 74),
  ])
  func whatFollows(_ ending: ServeEnding, _ delay: Int64, _ code: Int32) {
    #expect(ending.delayMilliseconds(drainDelay: 200) == delay)
    #expect(ending.exitCode.rawValue == code)
  }

  @Test func aFailedDiskIsToldWithWhatToDo() {
    let lines = told(.diskFailed(reason: "log.sqlite: no space")).split(separator: "\n")
    #expect(lines.count == 2 && lines.allSatisfy { $0.contains("log.sqlite: no space") })
    #expect(lines.last?.contains("free space or repair it, then start again") == true)
    #expect(lines.last?.contains("exit_code=74") == true)
    #expect(told(.signal("SIGTERM", isForBalancers: true)).contains("signal=SIGTERM"))
  }
}
