import CRdKafka
import Ports
import Glibc

/// An eventfd that librdkafka writes to when one of its queues stops being empty, for a lane's loop to watch.
///
/// Edge-triggered: the woken thread drains the queues until they are empty, or looks again by itself.
final class WakeDescriptor: Sendable {
  let descriptor: Int32

  init() throws(LogFailure) {
    descriptor = kassa_wake_descriptor()
    guard descriptor >= 0 else {
      throw LogFailure(.read, "cannot open a descriptor for Kafka: \(String(cString: strerror(errno)))")
    }
  }

  /// The queues are disarmed or gone by then.
  deinit { close(descriptor) }

  func arm(_ queue: OpaquePointer) {
    var one: UInt64 = 1
    rd_kafka_queue_io_event_enable(queue, descriptor, &one, MemoryLayout<UInt64>.size)
  }

  /// Sets the mark.
  func set() {
    var one: UInt64 = 1
    _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
  }

  /// Takes the mark.
  func clear() {
    var count: UInt64 = 0
    _ = read(descriptor, &count, MemoryLayout<UInt64>.size)
  }
}

extension WakeDescriptor {
  /// Waits for the mark, on a thread that may block.
  func wait(milliseconds: Int) {
    var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = poll(&waited, 1, Int32(clamping: milliseconds))
    clear()
  }
}
