import Glibc
import HTTPServer
import Model
import Server
import Synchronization

@testable import Runtime

/// A runtime in which nothing exists.
final class FakeRuntime: ServedRuntime {
  enum Call: Hashable, Comparable {
    case begin(Int)
    case stop(UInt64)
  }

  static let laneCount = 2
  private let calls = Mutex<[Call]>([])
  let ports = (0..<laneCount).map { _ in FakePort() }
  private let endsNever: Bool

  init(endsNever: Bool = false) { self.endsNever = endsNever }

  /// What it was told, lanes in their order.
  var told: [Call] { calls.withLock { $0.sorted() } }

  func port(ofLane index: Int) -> any RequestPort { ports[index] }
  func setClient(_ client: any RequestClient, ofLane index: Int) { ports[index].client = client }
  func begin(lane index: Int) { calls.withLock { $0.append(.begin(index)) } }
  func turn(lane index: Int) -> Bool { ports[index].answer() }
  func hasUnsent(lane index: Int) -> Bool { false }

  func stop(answersMilliseconds: UInt64, handoverMilliseconds: UInt64, completion: @escaping @Sendable () -> Void) {
    calls.withLock { $0.append(.stop(answersMilliseconds)) }
    if !endsNever { completion() }
  }

  var finalFailure: String? { nil }

  func report(timeoutMilliseconds: Int, completion: @escaping @Sendable (RuntimeReport?) -> Void) {
    completion(
      RuntimeReport(
        phase: .running, partitions: [], pending: [], logFailure: nil, storeFailure: nil, requestsWaiting: 0))
  }
}

/// Answers every read with nothing, in the turn behind it, and takes every checkout for ever.
///
/// `@unchecked Sendable` is safe: a port is its lane's alone once that has started.
final class FakePort: RequestPort, @unchecked Sendable {
  let partitioner = Partitioner(count: 1)!
  weak var client: (any RequestClient)?
  private var asked: [UInt64] = []
  /// Whether a checkout was taken.
  let taken = Atomic<Bool>(false)

  func submit(
    _ command: Command, to partition: PartitionID, number: UInt64, idempotency: IdempotencyToken?,
    trace: TraceContext?
  ) throws(RequestRefusal) {
    guard case .orders(.checkout) = command else { throw .overloaded }
    taken.store(true, ordering: .releasing)
  }

  func look(_ query: Query) -> View? { nil }

  func ask(_ query: Query, number: UInt64) throws(RequestRefusal) { asked.append(number) }

  func answer() -> Bool {
    let numbers = asked
    asked = []
    for number in numbers { client?.finished(number, .view(.item(nil))) }
    return !numbers.isEmpty
  }
}

/// One request on a connection of its own; all that came until the server closed it.
///
/// - Parameter isKept: the client would keep the connection.
func exchange(_ line: String, _ endpoint: HTTPEndpoint, isKept: Bool = false, headers: String = "") throws
  -> String
{
  struct Refused: Error {}
  let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(file) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
  address.sin_port = endpoint.port.bigEndian
  let isConnected = withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
    }
  }
  let end = isKept ? "" : "Connection: close\r\n"
  let host = headers.contains("Host: ") ? "" : "Host: 127.0.0.1\r\n"
  let request = Array("\(line) HTTP/1.1\r\n\(host)\(headers)\(end)\r\n".utf8)
  guard isConnected, send(file, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { throw Refused() }
  var answer: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 65_536)
  while case let count = read(file, &chunk, chunk.count), count > 0 { answer += chunk.prefix(count) }
  guard !answer.isEmpty else { throw Refused() }
  return String(decoding: answer, as: UTF8.self)
}
