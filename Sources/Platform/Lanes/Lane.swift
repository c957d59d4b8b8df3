import CUV
import Glibc
import Synchronization

/// One thread with one libuv loop, on which everything that is *lane-confined* runs: connections, timers, and the
/// actors that have the lane as their executor.
///
/// A turn of a lane: wait for descriptors, timers or a wake-up; run the jobs of its actors and the posted work; then
/// run `turn`, which drains what has arrived. An idle lane sleeps in its loop until something happens. A turn that
/// has much under way may make the next one `gather`.
///
/// An actor whose `unownedExecutor` is a lane is entered from code that runs on the lane with `assumeIsolated`: no
/// hop, no task, no continuation. Nothing on a lane may block.
///
/// Life: make it, set up what runs on it (on the thread that made it), `start`, `stop`, `join`. The lane's
/// thread closes the loop and all handles at its end.
///
/// `@unchecked Sendable` is safe: `loop`, `signal`, `gathering` and `averageLateness` belong to the lane's thread
/// (before `start`, to the thread that made the lane); `thread` is written by `start` before anybody can join; all else
/// is atomic or behind a lock.
public final class Lane: SerialExecutor, @unchecked Sendable {
  /// How many closures given to `post` may wait.
  public static let postedWorkMax = 4_096

  /// The lane's place among the lanes of the process, from 0.
  public let index: Int
  let loop: UnsafeMutablePointer<uv_loop_t>
  private let signal: WakeSignal
  private var thread = pthread_t()

  private let flag = WakeFlag()
  private let inbox = LaneInbox()
  /// How long after the start of the present turn the next one begins, in microseconds.
  private var gathering: UInt64 = 0
  /// How late pauses ended, in microseconds, as a moving average.
  private var averageLateness: UInt64 = 0
  private let isStopping = Atomic<Bool>(false)
  private let phase = Atomic<UInt8>(Phase.setUp)
  /// `pthread_self` of the lane's thread while it runs, else 0.
  private let threadID = Atomic<UInt>(0)

  private enum Phase {
    static let setUp: UInt8 = 0
    static let started: UInt8 = 1
    static let joined: UInt8 = 2
  }

  /// Makes the loop. `start` makes the thread.
  ///
  /// - Throws: `LaneFailure` if the system has no descriptors or memory left.
  public init(index: Int) throws(LaneFailure) {
    self.index = index
    let loop = UnsafeMutablePointer<uv_loop_t>.allocate(capacity: 1)
    let status = uv_loop_init(loop)
    guard status == 0 else {
      loop.deallocate()
      throw LaneFailure(.loop, status)
    }
    self.loop = loop
    do {
      signal = try WakeSignal(loop)
    } catch {
      LoopClosing.close(all: loop)
      loop.deallocate()
      throw error
    }
  }

  deinit {
    // The thread holds the lane, so it has ended, or was never started.
    switch phase.load(ordering: .acquiring) {
    case Phase.setUp: LoopClosing.close(all: loop)
    case Phase.started: pthread_detach(thread)
    default: break
    }
    loop.deallocate()
  }

  // MARK: Life

  public var isStarted: Bool { phase.load(ordering: .acquiring) != Phase.setUp }

  /// Starts the lane's thread, `kassa-lane-N`, which answers no signals. Once.
  ///
  /// - Parameter turn: drains what has arrived; returns whether another turn should follow at once, without
  ///   sleeping. Held until the lane has ended.
  /// - Throws: `LaneFailure` if no thread can be created.
  public func start(turn: @escaping @Sendable () -> Bool) throws(LaneFailure) {
    let (isFirst, _) = phase.compareExchange(
      expected: Phase.setUp, desired: Phase.started, ordering: .acquiringAndReleasing)
    precondition(isFirst, "a lane starts once")
    let body = Unmanaged.passRetained(Body(lane: self, turn: turn))
    let status = pthread_create(
      &thread, nil,
      { context in
        guard let context else { return nil }
        let body = Unmanaged<Body>.fromOpaque(context).takeRetainedValue()
        body.lane.run(body.turn)
        return nil
      }, body.toOpaque())
    guard status == 0 else {
      body.release()
      phase.store(Phase.setUp, ordering: .releasing)
      throw LaneFailure(.thread, -status)
    }
  }

  private final class Body {
    let lane: Lane
    let turn: @Sendable () -> Bool
    init(lane: Lane, turn: @escaping @Sendable () -> Bool) {
      self.lane = lane
      self.turn = turn
    }
  }

  /// Ends the lane after the turn it is in; what was posted before is still run. From any thread.
  public func stop() {
    isStopping.store(true, ordering: .releasing)
    wake()
  }

  /// Waits until the lane's thread has ended. Once, after `stop`, never on the lane.
  public func join() {
    precondition(!isCurrent, "a lane cannot wait for itself")
    let (isStarted, _) = phase.compareExchange(
      expected: Phase.started, desired: Phase.joined, ordering: .acquiringAndReleasing)
    if isStarted { pthread_join(thread, nil) }
  }

  /// Whether it has been asked to stop.
  var isEnding: Bool { isStopping.load(ordering: .acquiring) }

  private func run(_ turn: () -> Bool) {
    threadID.store(UInt(pthread_self()), ordering: .releasing)
    kassa_name_this_thread("kassa-lane-\(index)")
    kassa_block_signals()
    var isAgain = false
    var began: UInt64 = 0
    while !isEnding {
      rest(since: began)
      let sleeps = !isAgain && flag.sleep()
      uv_run(loop, sleeps ? UV_RUN_ONCE : UV_RUN_NOWAIT)
      flag.work()
      _ = inbox.run(on: asUnownedSerialExecutor())
      began = uv_hrtime()
      isAgain = turn()
    }
    inbox.close()
    while inbox.run(on: asUnownedSerialExecutor()) {}
    flag.end()
    LoopClosing.close(all: loop)
    threadID.store(0, ordering: .releasing)
  }

  /// Lets new arrivals wait, if the turn that began then asked for it.
  private func rest(since began: UInt64) {
    guard gathering > 0 else { return }
    // What the turn posted to its own lane, such as writes to other pods, must not wait for the next one.
    _ = inbox.run(on: asUnownedSerialExecutor())
    let passed = (uv_hrtime() &- began) / 1_000
    if passed < gathering {
      // No descriptors: whatever becomes ready in the meantime is found afterwards, all at once.
      var left = timespec(tv_sec: 0, tv_nsec: Int(gathering - passed) * 1_000)
      _ = pselect(0, nil, nil, nil, &left, nil)
      let rested = (uv_hrtime() &- began) / 1_000
      averageLateness = (7 * averageLateness + min(rested - gathering, Self.gatherMicrosecondsMax)) / 8
    }
    gathering = 0
  }

  // MARK: From any thread

  /// Makes the lane take a turn soon. Many wake-ups of one sleep cost one system call, those of a busy lane none.
  public func wake() { flag.wake { signal.send() } }

  /// Runs a closure on the lane, after those posted before: for control, not for the hot path.
  ///
  /// - Returns: false if `postedWorkMax` closures already wait or the lane has ended; then it is never run.
  @discardableResult
  public func post(_ work: @escaping @Sendable () -> Void) -> Bool {
    guard inbox.add(work, countMax: Lane.postedWorkMax) else { return false }
    wake()
    return true
  }

  /// Whether this code runs on the lane's thread.
  public var isCurrent: Bool { threadID.load(ordering: .relaxed) == UInt(pthread_self()) }

  // MARK: SerialExecutor

  public func enqueue(_ job: consuming ExecutorJob) {
    inbox.add(UnownedJob(job))
    wake()
  }

  public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(ordinary: self) }

  public func checkIsolated() { precondition(isCurrent, "not on lane \(index)") }

  public func isIsolatingCurrentContext() -> Bool? { isCurrent }

  // MARK: On the lane, or before its start on the thread that made it

  /// Ends the process when this code runs elsewhere.
  public func assertOnLane() { precondition(isCurrent || !isStarted, "not on lane \(index)") }

  /// Milliseconds of a monotonic clock, as of the loop's last wake-up.
  public var now: UInt64 {
    assertOnLane()
    if !isStarted { uv_update_time(loop) }
    return uv_now(loop)
  }

  /// How long a turn may make the next one wait: stopping a lane may take this long, too.
  public static let gatherMicrosecondsMax: UInt64 = 100_000

  /// Called in a turn: the next one begins no earlier than this many microseconds after this one began, whatever
  /// arrives.
  ///
  /// Each turn has a fixed cost: the wake-up, a look at every queue, a write to each peer and a request to the log.
  /// When much is under way, fewer, larger turns cost less, and nobody loses more than this time.
  public func gather(microseconds: UInt64) {
    assertOnLane()
    gathering = min(microseconds, Self.gatherMicrosecondsMax)
  }

  /// How much later than asked for pauses have lately ended, in microseconds: for that long the lane has to wait for a
  /// processor when it has something to do.
  public var lateness: UInt64 {
    assertOnLane()
    return averageLateness
  }

  /// Calls `handler` on the lane whenever the descriptor is ready, until the watch is closed.
  ///
  /// - Throws: `LaneFailure` if it cannot be watched: closed, a regular file, or already watched.
  public func watch(
    _ descriptor: Int32, for events: FileEvents, handler: @escaping (FileEvents) -> Void
  ) throws(LaneFailure) -> FileWatch {
    assertOnLane()
    return try FileWatch(self, descriptor: descriptor, events: events, handler: handler)
  }

  /// Calls `handler` repeatedly, the first time after one interval.
  @discardableResult
  public func every(milliseconds: UInt64, handler: @escaping () -> Void) -> LaneTimer {
    timer(after: milliseconds, every: max(1, milliseconds), handler)
  }

  /// Calls `handler` once.
  @discardableResult
  public func after(milliseconds: UInt64, handler: @escaping () -> Void) -> LaneTimer {
    timer(after: milliseconds, every: 0, handler)
  }

  private func timer(after: UInt64, every interval: UInt64, _ handler: @escaping () -> Void) -> LaneTimer {
    assertOnLane()
    return LaneTimer(self, afterMilliseconds: after, repeatMilliseconds: interval, handler: handler)
  }

  /// Finds the numeric addresses of a host and calls `completion` on the lane with them, empty if there are none. A
  /// lane that ends waits for the resolver's answer, but reports none.
  public func lookUp(_ host: String, completion: @escaping ([String]) -> Void) {
    assertOnLane()
    NameLookup.start(self, host, completion)
  }

  /// Called by the loop's callbacks: they run while the lane counts as asleep.
  func awaken() { flag.awaken() }

  /// Like `awaken`, and keeps the loop from sleeping: it runs due timers before it waits for descriptors, and would
  /// then wait while everybody who wakes the lane believes that it is awake.
  func awakenByTimer() {
    flag.awaken()
    signal.send()
  }
}
