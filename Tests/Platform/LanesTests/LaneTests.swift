import Glibc
import Lanes
import Synchronization
import TestSupport
import Testing

/// A lane that runs for one test; `turns` counts its turns.
final class RunningLane: Sendable {
  let lane: Lane
  let turns = Atomic<Int>(0)
  let turn = Mutex<@Sendable () -> Bool>({ false })

  init() throws {
    lane = try Lane(index: 3)
    try lane.start { [self] in
      turns.add(1, ordering: .relaxed)
      return turn.withLock { $0 }()
    }
  }

  /// Runs work on the lane and waits for it.
  func run<Result: Sendable>(_ work: @escaping @Sendable (Lane) -> Result) -> Result? {
    let result = Mutex<Result?>(nil)
    let box = Box(result)
    lane.post { [lane] in box.set(work(lane)) }
    _ = eventually { box.isSet }
    return box.value
  }

  final class Box<Value: Sendable>: Sendable {
    private let content: Mutex<Value?>
    init(_ content: consuming Mutex<Value?>) { self.content = content }
    func set(_ value: Value) { content.withLock { $0 = value } }
    var isSet: Bool { content.withLock { $0 != nil } }
    var value: Value? { content.withLock { $0 } }
  }

  func end() {
    lane.stop()
    lane.join()
  }
}

actor Counter {
  private let lane: Lane
  private(set) var value = 0
  init(_ lane: Lane) { self.lane = lane }
  nonisolated var unownedExecutor: UnownedSerialExecutor { lane.asUnownedSerialExecutor() }
  func add(_ amount: Int) -> Int {
    value += amount
    return value
  }
}

@Suite struct LaneTests {
  @Test func actorIsEnteredWithoutAHop() throws {
    let running = try RunningLane()
    defer { running.end() }
    let counter = Counter(running.lane)
    let sum = running.run { _ in
      let before = counter.assumeIsolated { $0.add(1) }
      return before + counter.assumeIsolated { $0.add(1) }
    }
    #expect(sum == 3)
    #expect(running.lane.isIsolatingCurrentContext() == false)
  }

  @Test func tasksReachAnActorOnALane() async throws {
    let running = try RunningLane()
    defer { running.end() }
    let counter = Counter(running.lane)
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<500 { group.addTask { _ = await counter.add(1) } }
    }
    #expect(await counter.value == 500)
  }

  @Test func threadHasTheLanesName() throws {
    let running = try RunningLane()
    defer { running.end() }
    let name = running.run { _ in
      var bytes = [UInt8](repeating: 0, count: 32)
      let file = open("/proc/thread-self/comm", O_RDONLY)
      let count = read(file, &bytes, 32)
      close(file)
      return String(decoding: bytes.prefix(max(0, count - 1)), as: UTF8.self)
    }
    #expect(name == "kassa-lane-3")
  }

  /// Also what makes an idle server idle: neither turns nor processor time.
  @Test func restingLaneDoesNotWakeUp() throws {
    let running = try RunningLane()
    defer { running.end() }
    _ = running.run { _ in 0 }
    let clock = running.run { _ in
      var clock = clockid_t()
      pthread_getcpuclockid(pthread_self(), &clock)
      return clock
    }
    // The turn that ran the work above may end a moment after the work.
    usleep(20_000)
    let turns = running.turns.load(ordering: .relaxed)
    var before = timespec()
    var after = timespec()
    clock_gettime(try #require(clock), &before)
    usleep(200_000)
    clock_gettime(try #require(clock), &after)
    #expect(running.turns.load(ordering: .relaxed) == turns)
    #expect(after.tv_sec == before.tv_sec && after.tv_nsec == before.tv_nsec)
  }

  @Test func turnsFollowAtOnceWhileTheyAreWanted() throws {
    let running = try RunningLane()
    defer { running.end() }
    let left = Atomic<Int>(1_000)
    let counter = Countdown(left)
    running.turn.withLock { $0 = { counter.step() } }
    running.lane.wake()
    #expect(eventually { counter.isZero })
  }

  final class Countdown: Sendable {
    private let left: Atomic<Int>
    init(_ left: consuming Atomic<Int>) { self.left = left }
    func step() -> Bool { left.load(ordering: .relaxed) > 0 && left.subtract(1, ordering: .relaxed).newValue > 0 }
    var isZero: Bool { left.load(ordering: .relaxed) == 0 }
  }

  @Test func noWakeUpIsLost() throws {
    let running = try RunningLane()
    defer { running.end() }
    let seen = Countdown(Atomic<Int>(20_000))
    for round in 0..<20_000 {
      while !running.lane.post({ _ = seen.step() }) { sched_yield() }
      // Lets the lane fall asleep, at every moment of the protocol.
      if round % 3 == 0 { sched_yield() }
    }
    #expect(eventually { seen.isZero })
  }

  @Test func postedWorkIsBoundedAndInOrder() throws {
    let lane = try Lane(index: 0)
    let order = RunningLane.Box(Mutex<[Int]?>([]))
    for number in 0..<Lane.postedWorkMax {
      #expect(lane.post { order.set((order.value ?? []) + [number]) })
    }
    #expect(!lane.post {})
    try lane.start { false }
    lane.stop()
    lane.join()
    #expect(order.value == Array(0..<Lane.postedWorkMax))
    #expect(!lane.post {})
    lane.wake()
  }

  @Test func laneThatNeverStartedLeavesNothing() throws {
    for _ in 0..<50 {
      let lane = try Lane(index: 0)
      lane.every(milliseconds: 1) {}
      #expect(lane.now > 0)
    }
  }

  @Test func endClosesTimersAndWatches() throws {
    for _ in 0..<20 {
      let running = try RunningLane()
      _ = running.run { lane in
        lane.every(milliseconds: 1) {}
        lane.after(milliseconds: 60_000) {}
        return (try? lane.watch(0, for: .readable) { _ in }) != nil
      }
      running.end()
    }
  }

  /// A timer that is due when the loop begins must not let the lane sleep through the wake-ups that follow, until the
  /// next timer is due.
  @Test func anOverdueTimerLosesNoWakeUp() throws {
    let running = try RunningLane()
    defer { running.end() }
    let fired = Flag()
    running.lane.post { [lane = running.lane] in
      lane.every(milliseconds: 1_500) { fired.raise() }
      usleep(1_510_000)
    }
    #expect(eventually { fired.isRaised })
    let woken = Flag()
    let posted = ContinuousClock.now
    running.lane.post { woken.raise() }
    #expect(eventually { woken.isRaised })
    #expect(posted.duration(to: .now) < .milliseconds(1_000))
  }

  private final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    func raise() { value.store(true, ordering: .releasing) }
    var isRaised: Bool { value.load(ordering: .acquiring) }
  }

}

@Suite struct LaneGatheringTests {
  private final class Figure: Sendable {
    private let stored = Atomic<UInt64>(0)
    /// Changed by the lane only.
    var value: UInt64 {
      get { stored.load(ordering: .relaxed) }
      set { stored.store(newValue, ordering: .relaxed) }
    }
  }

  @Test func turnsThatGatherBeginApart() throws {
    let running = try RunningLane()
    defer { running.end() }
    let lane = running.lane
    running.turn.withLock { turn in
      turn = {
        lane.gather(microseconds: 20_000)
        return true
      }
    }
    lane.wake()
    let before = running.turns.load(ordering: .relaxed)
    let began = ContinuousClock.now
    #expect(eventually { running.turns.load(ordering: .relaxed) >= before + 6 })
    // The first of them may have been under way.
    #expect(ContinuousClock.now - began >= .milliseconds(80))
    // Whoever asks for no more of it gets turns at once again.
    running.turn.withLock { $0 = { true } }
    let after = running.turns.load(ordering: .relaxed)
    #expect(eventually { running.turns.load(ordering: .relaxed) > after + 10_000 })
  }

  /// No system ends a pause on time; how late says how busy its processors are.
  @Test func measuresHowLatePausesEnd() throws {
    let running = try RunningLane()
    defer { running.end() }
    let lane = running.lane
    let latest = Figure()
    running.turn.withLock { turn in
      turn = {
        latest.value = lane.lateness
        lane.gather(microseconds: 1_000)
        return true
      }
    }
    #expect(latest.value == 0)
    lane.wake()
    #expect(eventually { latest.value > 0 })
    #expect(latest.value <= Lane.gatherMicrosecondsMax)
  }

  /// What a turn posts to its own lane is done before the pause, not after it.
  @Test func doesWhatWasPostedBeforeThePause() throws {
    let running = try RunningLane()
    defer { running.end() }
    let lane = running.lane
    let (posted, done) = (Figure(), Figure())
    let onTime = Figure()
    running.turn.withLock { turn in
      turn = {
        if posted.value > 0, done.value == posted.value {
          onTime.value += 1
        }
        let began = ContinuousClock.now
        posted.value += 1
        lane.post { if ContinuousClock.now - began < .milliseconds(100) { done.value += 1 } }
        lane.gather(microseconds: Lane.gatherMicrosecondsMax)
        return true
      }
    }
    lane.wake()
    #expect(eventually { onTime.value >= 3 })
  }

  @Test func noTurnGathersLongerThanItsBound() throws {
    let running = try RunningLane()
    let lane = running.lane
    running.turn.withLock {
      $0 = {
        lane.gather(microseconds: .max)
        return true
      }
    }
    lane.wake()
    #expect(eventually { running.turns.load(ordering: .relaxed) > 1 })
    let began = ContinuousClock.now
    running.end()
    #expect(ContinuousClock.now - began < .seconds(5))
  }
}
