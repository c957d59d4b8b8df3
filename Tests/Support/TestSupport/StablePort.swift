import Glibc

/// A port of 127.0.0.1 for a server that ends and starts again at it: not one of those that the system gives to
/// whoever connects meanwhile.
public enum StablePort {
  private static let candidates: Range<UInt16> = 20_000..<32_000

  /// - Returns: a port that nobody listens on; nil when none of many was free.
  public static func find() -> UInt16? {
    for _ in 0..<200 {
      let port = UInt16.random(in: candidates)
      if isFree(port) { return port }
    }
    return nil
  }

  private static func isFree(_ port: UInt16) -> Bool {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
  }
}
