import Testing

@testable import kassa

@Suite struct ProgressTests {
  private let recorder = Recorder()

  private func run(isTerminal: Bool, total: Int?, _ steps: [(at: Int64, done: Int)]) -> String {
    var now: Int64 = 50_000
    let progress = Progress(
      "replaying", unit: "records", total: total, console: recorder.console(isTerminal: isTerminal), clock: { now })
    for step in steps {
      now = 50_000 + step.at
      progress.advance(to: step.done)
    }
    progress.finish(steps.last?.done ?? 0)
    return recorder.err
  }

  @Test func shortWorkIsSilent() {
    #expect(run(isTerminal: true, total: 10, [(0, 1), (1_999, 10)]).isEmpty)
  }

  @Test func linesWithoutATerminal() {
    let text = run(
      isTerminal: false, total: 4_000_000, [(1_000, 1), (2_000, 1_000_000), (9_000, 2_000_000), (12_000, 3_000_000)])
    #expect(
      text == """
        replaying: 1,000,000 of 4,000,000 records, 25 %, 6 s left
        replaying: 3,000,000 of 4,000,000 records, 75 %, 4 s left
        replaying: 3,000,000 records in 12 s

        """)
  }

  @Test func oneLineOnATerminal() {
    let text = run(isTerminal: true, total: nil, [(2_000, 5), (2_100, 6), (2_200, 7)])
    #expect(
      text == "\rreplaying: 5 records\u{1B}[K\rreplaying: 7 records\u{1B}[K\rreplaying: 7 records in 2 s\u{1B}[K\n")
  }

  @Test func moreThanExpectedIsNotMoreThanAll() {
    #expect(run(isTerminal: false, total: 10, [(2_000, 20)]).hasPrefix("replaying: 20 of 10 records, 100 %, 0 s left"))
  }
}
