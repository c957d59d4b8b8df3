import Foundation

/// Stands between a client on 127.0.0.1 and a server's Unix socket, and does what a bad network does.
public final class CuttingProxy: @unchecked Sendable {
  // Safe: what changes is touched under `lock`, but for the links, which are the thread's alone until it has ended.
  public enum Fault: Hashable, Sendable {
    /// The next request does not reach the server; the connection ends.
    case cutAtRequest
    /// The next request is done and its answer does not reach the client; the connection ends.
    case cutAtAnswer
    /// The next request is kept back; the client's connection ends, the server's does not. See `deliverHeld`.
    case holdRequest
    /// The next large request reaches the server up to a Sync within it, and nothing else of its client does, as when
    /// that is stopped. In the middle of a message the server would wait without a limit.
    case stallInRequest
  }

  private final class Link {
    let client: Int32
    let server: Int32
    var held: [UInt8] = []
    var isClientGone = false
    var isStalled = false
    init(client: Int32, server: Int32) {
      self.client = client
      self.server = server
    }
  }

  public let port: UInt16
  private let listener: Int32
  private let path: String
  private let wake: (read: Int32, write: Int32)
  private let done = DispatchSemaphore(value: 0)
  private let lock = NSLock()
  private var fault: Fault?
  private var passing = 0
  private var faultCount = 0
  private var isOpen = true
  private var isDelivering = false
  private var isEnding = false
  private var links: [Link] = []
  private var late: [UInt8] = []

  public init(socketPath: String) throws {
    path = socketPath
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    var pipes: [Int32] = [0, 0]
    let listener = listener
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, length) == 0 && listen(listener, 16) == 0 && getsockname(listener, $0, &length) == 0
      }
    }
    guard isListening, pipe(&pipes) == 0 else { throw PostgresServer.Failure(description: "the proxy has no port") }
    port = UInt16(bigEndian: address.sin_port)
    wake = (pipes[0], pipes[1])
    Thread.detachNewThread { [self] in
      run()
      done.signal()
    }
  }

  /// Ends it; call it before the last reference goes.
  public func end() {
    lock.withLock { isEnding = true }
    poke()
    done.wait()
    for link in links { drop(link) }
    for file in [listener, wake.read, wake.write] { close(file) }
  }

  // MARK: Faults

  /// The next request meets this, once `passing` others have passed.
  public func set(_ fault: Fault, passing: Int = 0) { lock.withLock { (self.fault, self.passing) = (fault, passing) } }

  /// How many faults were met.
  public var faultsMet: Int { lock.withLock { faultCount } }

  /// Cuts what is there and takes no new connection, or takes them again.
  public func setOpen(_ isOpen: Bool) {
    lock.withLock { self.isOpen = isOpen }
    poke()
  }

  /// Sends what was held back, to a server that has not noticed that its client is gone.
  public func deliverHeld() {
    lock.withLock { isDelivering = true }
    poke()
  }

  /// What the server answered to what was held back, as text.
  public var lateAnswer: String { lock.withLock { String(decoding: late, as: UTF8.self) } }

  private func poke() {
    var byte: UInt8 = 1
    write(wake.write, &byte, 1)
  }

  // MARK: The thread

  private func run() {
    while true {
      var files = [pollfd(fd: listener, events: Int16(POLLIN), revents: 0)]
      files.append(pollfd(fd: wake.read, events: Int16(POLLIN), revents: 0))
      for link in links {
        let isRead = !link.isClientGone && !link.isStalled
        files.append(pollfd(fd: isRead ? link.client : -1, events: Int16(POLLIN), revents: 0))
        files.append(pollfd(fd: link.server, events: Int16(POLLIN), revents: 0))
      }
      poll(&files, nfds_t(files.count), -1)
      let (isEnding, isOpen, isDelivering) = lock.withLock { (self.isEnding, self.isOpen, self.isDelivering) }
      if isEnding { return }
      if files[1].revents != 0 {
        var bytes = [UInt8](repeating: 0, count: 64)
        read(wake.read, &bytes, 64)
      }
      var kept: [Link] = []
      for (place, link) in links.enumerated() {
        let (client, server) = (files[2 + 2 * place].revents != 0, files[3 + 2 * place].revents != 0)
        let isDone = isDelivering && !link.held.isEmpty && !send(link.held, to: link.server)
        if isDelivering { link.held = [] }
        if isOpen, !isDone, !client || fromClient(link), !server || fromServer(link) {
          kept.append(link)
        } else {
          drop(link)
        }
      }
      links = kept
      if files[0].revents != 0 { take(isOpen) }
    }
  }

  private func take(_ isOpen: Bool) {
    let client = accept(listener, nil, nil)
    guard client >= 0 else { return }
    let server = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8).prefix($0.count - 1)) }
    let isConnected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(server, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
      }
    }
    let link = Link(client: client, server: server)
    if isOpen, isConnected { links.append(link) } else { drop(link) }
  }

  /// Whether the link goes on.
  private func fromClient(_ link: Link) -> Bool {
    guard let bytes = receive(link.client) else { return false }
    let sync = Self.endOfLastSync(in: bytes)
    // A request that ends here is whole: somebody else's, who asks a little now and then.
    let isHalf = sync.map { $0 < bytes.count } ?? false
    switch met(.cutAtRequest) ?? met(.holdRequest) ?? (isHalf ? met(.stallInRequest) : nil) {
    case .cutAtRequest?: return false
    case .holdRequest?:
      link.held = bytes
      link.isClientGone = true
      shutdown(link.client, Int32(SHUT_RDWR))
      return true
    case .stallInRequest?:
      link.isStalled = true
      return send(Array(bytes.prefix(sync ?? 0)), to: link.server)
    default: return send(bytes, to: link.server)
    }
  }

  /// Behind the last Sync of the protocol in some bytes: between two requests a server knows that it waits.
  private static func endOfLastSync(in bytes: [UInt8]) -> Int? {
    let sync: [UInt8] = [UInt8(ascii: "S"), 0, 0, 0, 4]
    guard bytes.count >= sync.count else { return nil }
    return (0...(bytes.count - sync.count)).last { bytes[$0..<($0 + sync.count)].elementsEqual(sync) }
      .map { $0 + sync.count }
  }

  private func fromServer(_ link: Link) -> Bool {
    guard let bytes = receive(link.server) else { return false }
    if link.isClientGone {
      lock.withLock { late += bytes }
      return true
    }
    return met(.cutAtAnswer) == nil && send(bytes, to: link.client)
  }

  private func met(_ wanted: Fault) -> Fault? {
    lock.withLock {
      guard fault == wanted else { return nil }
      if passing > 0 {
        passing -= 1
        return nil
      }
      fault = nil
      faultCount += 1
      return wanted
    }
  }

  private func receive(_ file: Int32) -> [UInt8]? {
    var bytes = [UInt8](repeating: 0, count: 65_536)
    let count = read(file, &bytes, bytes.count)
    return count > 0 ? Array(bytes.prefix(count)) : nil
  }

  private func send(_ bytes: [UInt8], to file: Int32) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Foundation.send(file, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  private func drop(_ link: Link) {
    close(link.client)
    close(link.server)
  }
}
