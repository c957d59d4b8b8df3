import Glibc
import Lanes
import Synchronization
import TestSupport
import Testing

@Suite struct MailboxTests {
  @Test func batchesAreTakenWholeOrNotAtAll() {
    let wakes = Tally()
    let box = Mailbox<Int>(messagesMax: 5) { wakes.add() }
    #expect(box.post([]))
    #expect(wakes.value == 0)
    #expect(box.post([1, 2, 3]))
    #expect(!box.post([4, 5, 6]))
    #expect(box.post([4, 5]))
    #expect(!box.post([6]))
    #expect(wakes.value == 1)
    #expect(box.takeAll() == [1, 2, 3, 4, 5])
    #expect(box.takeAll().isEmpty)
    #expect(!box.post([1, 2, 3, 4, 5, 6]))
    #expect(box.post([6]))
    #expect(wakes.value == 2)
  }

  @Test func memoryGoesBackAndForth() {
    let box = Mailbox<Int>(messagesMax: 1_000) {}
    var batch: [Int] = []
    var capacities: Set<Int> = []
    for round in 0..<100 {
      #expect(box.post(Array(repeating: round, count: 64)))
      box.takeAll(into: &batch)
      #expect(batch.count == 64 && batch.first == round)
      capacities.insert(batch.capacity)
    }
    #expect(capacities.count <= 2)
  }

  @Test func manyWritersLoseNothing() throws {
    let running = try RunningLane()
    defer { running.end() }
    let box = Mailbox<Int>(running.lane, messagesMax: 1_000)
    let sums = RunningLane.Box<[Int]>(Mutex([0, 0]))
    running.turn.withLock {
      $0 = {
        let messages = box.takeAll()
        guard !messages.isEmpty, let before = sums.value else { return false }
        sums.set([before[0] + messages.count, before[1] + messages.reduce(0, +)])
        return false
      }
    }
    let threads = (0..<4).map { _ in
      Writer {
        for number in 1...5_000 { while !box.post([number, -number, 1]) { sched_yield() } }
      }
    }
    for thread in threads { thread.join() }
    #expect(eventually { sums.value == [60_000, 20_000] })
  }

  /// A thread of its own, joined by the test.
  final class Writer {
    private var thread = pthread_t()
    private final class Body {
      let run: () -> Void
      init(_ run: @escaping () -> Void) { self.run = run }
    }
    init(_ run: sending @escaping () -> Void) {
      pthread_create(
        &thread, nil,
        { context in
          if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
          return nil
        }, Unmanaged.passRetained(Body(run)).toOpaque())
    }
    func join() { pthread_join(thread, nil) }
  }
}
