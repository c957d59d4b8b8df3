import Settings
import Testing

@testable import kassa

@Suite struct SimCommandTests {
  private let recorder = Recorder()

  private func run(_ arguments: [String]) -> ExitCode {
    Program(console: recorder.console(), environment: .process).run(["sim"] + arguments)
  }

  @Test func goodSeedsAreCounted() {
    #expect(run(["--seed", "5", "--seeds", "3", "--steps", "200"]) == .success)
    #expect(recorder.out.hasPrefix("3 seeds from 5, 200 steps each, run hash ") && recorder.err.isEmpty)
  }

  @Test func aBadSeedFailsAndTellsHowToRunItAgain() {
    #expect(run(["--seeds", "50", "--bug", "replyBeforeDurable"]) == .failure)
    #expect(recorder.err.contains(": request "))
    #expect(recorder.err.contains(" --seeds 1 --steps 3000 --bug replyBeforeDurable\n"))
  }

  @Test(arguments: [
    (["--seeds", "0"], "--seeds cannot be '0': 1…"), (["--seed", "-1"], "--seed cannot be '-1': 0…"),
    (["--bug", "dedupOf"], "there is no bug 'dedupOf'; did you mean dedupOff?"),
  ])
  func usageErrors(_ arguments: [String], _ words: String) {
    #expect(run(arguments) == .usage)
    #expect(recorder.err.contains(words), "\(recorder.err)")
  }
}
