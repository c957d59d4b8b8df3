import Glibc
import Lanes
import Synchronization
import TestSupport
import Testing

/// A count that a lane raises and a test reads.
final class Tally: Sendable {
  private let count = Atomic<Int>(0)
  func add() { count.add(1, ordering: .relaxed) }
  var value: Int { count.load(ordering: .relaxed) }
}

/// A lane-confined value that a test hands from one piece of posted work to the next.
/// `@unchecked Sendable` is safe: it is touched on one lane only.
final class OnLane<Value>: @unchecked Sendable {
  var value: Value?
}

@Suite struct HandleTests {
  @Test func timersRunOnceOrRepeatedlyUntilCancelled() throws {
    let running = try RunningLane()
    defer { running.end() }
    let once = Tally()
    let often = Tally()
    let timer = OnLane<LaneTimer>()
    _ = running.run { lane in
      lane.after(milliseconds: 1) { once.add() }
      timer.value = lane.every(milliseconds: 1) { often.add() }
      return true
    }
    #expect(eventually { often.value >= 5 })
    #expect(once.value == 1)
    let seen = running.run { _ in
      timer.value?.cancel()
      timer.value?.cancel()
      return often.value
    }
    usleep(20_000)
    #expect(often.value == seen)
  }

  @Test func looksNamesUp() throws {
    let running = try RunningLane()
    defer { running.end() }
    let (known, unknown) = (Tally(), Tally())
    _ = running.run { lane in
      lane.lookUp("localhost") { if $0.contains("127.0.0.1") { known.add() } }
      lane.lookUp(String(repeating: "x", count: 5_000)) { if $0.isEmpty { unknown.add() } }
      return true
    }
    #expect(eventually { known.value == 1 && unknown.value == 1 })
  }

  @Test func timerMayCancelItself() throws {
    let running = try RunningLane()
    defer { running.end() }
    let count = Tally()
    let timer = OnLane<LaneTimer>()
    _ = running.run { lane in
      timer.value = lane.every(milliseconds: 1) {
        timer.value?.cancel()
        timer.value = nil
        count.add()
      }
      return true
    }
    #expect(eventually { count.value == 1 })
    usleep(10_000)
    #expect(count.value == 1)
  }

  @Test func watchReportsWhatIsReady() throws {
    let running = try RunningLane()
    defer { running.end() }
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0)
    let (reader, writer) = (ends[0], ends[1])
    let count = Tally()
    let watch = OnLane<FileWatch>()
    let isWatching = running.run { lane in
      watch.value = try? lane.watch(reader, for: .readable) { events in
        var byte: UInt8 = 0
        if events.contains(.readable), read(reader, &byte, 1) == 1 { count.add() }
      }
      return watch.value != nil
    }
    #expect(isWatching == true)
    for _ in 0..<3 { #expect(write(writer, "x", 1) == 1) }
    #expect(eventually { count.value == 3 })
    _ = running.run { _ in
      watch.value?.close()
      watch.value?.close()
      return true
    }
    #expect(write(writer, "x", 1) == 1)
    usleep(10_000)
    #expect(count.value == 3)
    close(reader)
    close(writer)
  }

  @Test func badDescriptorIsRefusedWithAReason() throws {
    let running = try RunningLane()
    defer { running.end() }
    let failure = running.run { lane -> LaneFailure? in
      do throws(LaneFailure) { _ = try lane.watch(99_999, for: .readable) { _ in } } catch { return error }
      return nil
    }
    #expect(failure??.code == .watch)
    #expect(failure??.description.contains("bad file descriptor") == true)
  }
}
