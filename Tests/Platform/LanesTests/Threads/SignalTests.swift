import Synchronization
import Testing
import Lanes

@Suite struct SignalTests {
  @Test func aSignalBeforeTheWaitIsNotLostAndIsTakenOnce() {
    let signal = Signal()
    signal.set()
    signal.set()
    signal.wait()
    #expect(!signal.wait(milliseconds: 0))
    signal.set()
    #expect(signal.wait(milliseconds: 0))
  }

  @Test func wakesAnotherThread() throws {
    let asked = Signal()
    let answered = Signal()
    let count = Atomic(0)
    let thread = try #require(
      BackgroundThread("test-signal") {
        for _ in 0..<1_000 {
          asked.wait()
          count.add(1, ordering: .sequentiallyConsistent)
          answered.set()
        }
      })
    for turn in 1...1_000 {
      asked.set()
      if turn.isMultiple(of: 2) { answered.wait() } else { while !answered.wait(milliseconds: 60_000) {} }
      #expect(count.load(ordering: .sequentiallyConsistent) == turn)
    }
    thread.join()
  }

  @Test func aWaitWithALimitEnds() {
    let clock = ContinuousClock()
    let signal = Signal()
    let taken = clock.measure { #expect(!signal.wait(milliseconds: 30)) }
    #expect(taken >= .milliseconds(29))
    #expect(!signal.wait(milliseconds: -5))
  }
}
