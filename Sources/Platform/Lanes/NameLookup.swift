import CUV
import Glibc

/// Asks the system's resolver for a host's addresses, without blocking the lane: libuv asks on its own threads.
final class NameLookup {
  private let lane: Lane
  private let completion: ([String]) -> Void
  private let request = UnsafeMutablePointer<uv_getaddrinfo_t>.allocate(capacity: 1)

  private init(_ lane: Lane, _ completion: @escaping ([String]) -> Void) {
    self.lane = lane
    self.completion = completion
    UnsafeMutableRawPointer(request)
      .initializeMemory(as: UInt8.self, repeating: 0, count: MemoryLayout<uv_getaddrinfo_t>.size)
  }

  deinit { request.deallocate() }

  static func start(_ lane: Lane, _ host: String, _ completion: @escaping ([String]) -> Void) {
    let lookup = NameLookup(lane, completion)
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    lookup.request.pointee.data = Unmanaged.passRetained(lookup).toOpaque()
    let status = uv_getaddrinfo(
      lane.loop, lookup.request,
      { request, status, result in
        defer { uv_freeaddrinfo(result) }
        guard let data = request?.pointee.data else { return }
        let lookup = Unmanaged<NameLookup>.fromOpaque(data).takeRetainedValue()
        lookup.lane.awaken()
        // A lane that ends takes no new handles: nobody should dial.
        lookup.completion(status == 0 && !lookup.lane.isEnding ? NameLookup.addresses(result) : [])
      }, host, nil, &hints)
    guard status != 0 else { return }
    // Not started: the host's name is too long, or there is no memory.
    Unmanaged.passUnretained(lookup).release()
    lane.after(milliseconds: 0) { lookup.completion([]) }
  }

  private static func addresses(_ first: UnsafeMutablePointer<addrinfo>?) -> [String] {
    var found: [String] = []
    var next = first
    while let info = next?.pointee {
      var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
      let status = getnameinfo(
        info.ai_addr, info.ai_addrlen, &text, socklen_t(text.count), nil, 0, NI_NUMERICHOST)
      if status == 0 {
        let address = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        if !found.contains(address) { found.append(address) }
      }
      next = info.ai_next
    }
    return found
  }
}
