import CEpoll
import Glibc

/// An epoll descriptor. Everything is registered once, edge-triggered, for reading and writing: a keep-alive connection
/// then costs one `send` and one `recv` per call, and its share of one `epoll_pwait2`.
struct Poller: ~Copyable {
  struct Event {
    var index: UInt32
    /// The other side has closed its half.
    var hasEnded: Bool
  }

  private let descriptor: Int32
  private let events: UnsafeMutablePointer<epoll_event>

  init() throws(LoadError) {
    descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
    events = .allocate(capacity: LoadLimits.eventsMax)
    guard descriptor >= 0 else { throw LoadError("epoll is not available: \(String(cString: strerror(errno)))") }
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    events.deallocate()
  }

  func watch(_ socket: Int32, as index: UInt32) -> Bool {
    var event = epoll_event()
    event.events = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
    event.data.u32 = index
    return epoll_ctl(descriptor, EPOLL_CTL_ADD, socket, &event) == 0
  }

  /// Waits for events, at most this long, and passes each to `handle`.
  func poll(nanoseconds: Int64, _ handle: (Event) -> Void) {
    let wait = max(0, nanoseconds)
    var timeout = timespec(tv_sec: Int(wait / 1_000_000_000), tv_nsec: Int(wait % 1_000_000_000))
    let count = epoll_pwait2(descriptor, events, Int32(LoadLimits.eventsMax), &timeout, nil)
    for place in 0..<max(0, Int(count)) {
      let event = events[place]
      let ended = EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue
      handle(Event(index: event.data.u32, hasEnded: event.events & ended != 0))
    }
  }
}
