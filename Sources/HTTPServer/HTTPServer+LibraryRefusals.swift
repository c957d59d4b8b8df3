import CMicroHTTPD
import Glibc
import Lanes

// libmicrohttpd refuses some requests by itself, before the handler hears of them, with a line of HTML, and closes the
// connection after it. Of a head that it has read to its end and then cannot use (a length that is no number, more
// cookies than its memory holds) it even sends the answer's head twice, so that a client would take the second one for
// the body. It cannot be told to send another answer; but it logs each refusal before it sends it. Then the answer is
// sent past the library, and the socket shut down under it.
//
// It does not say whom it refuses. So whoever it may be is suspended while the refusal is under way, which keeps its
// answer from being sent; once the library has returned, the one with an answer in its queue is the one.
extension HTTPServer {
  /// The library is about to refuse a request.
  func libraryRefuses() {
    var isKnown = false
    // One whose head is complete, while nobody has been handed it, can only be the one that the library is at: it hands
    // a request over in the same step.
    for client in clients where client.phase == .receiving && kassa_connection_head_bytes(client.connection) > 0 {
      isKnown = true
      head.collect(client.connection, exchange: nextExchange())
      refusePastLibrary(client, HeadRules.refusalOfUnusable(head, limits: limits))
      end(client)
    }
    // Over TLS nothing can be sent past the library.
    if !isKnown, !isTLS { holdSuspects() }
  }

  /// Suspends whoever has sent a part of a request that the library may refuse, the newest connections first. With more
  /// than are looked at, it may be none of them, and the library's own answer is sent.
  private func holdSuspects() {
    var looks = 0
    for client in clients.reversed() where !client.isSuspect {
      guard suspects.count < HTTPServer.suspectsMax, looks < HTTPServer.suspectLooksMax else { return }
      switch client.phase {
      case .receiving: break
      case .body where client.framing.isChunked: break
      case .idle:
        looks += 1
        guard kassa_socket_bytes_received(client.socket) > client.bytesTaken else { continue }
      default: continue
      }
      // One that the library has closed already, which it tells later, must not be suspended: it shut the socket down.
      guard kassa_socket_is_open(client.socket) != 0 else { continue }
      client.isSuspect = true
      suspects.append(client)
      MHD_suspend_connection(client.connection)
    }
  }

  /// Connections that are suspended for one refusal, and silent ones that are looked at.
  static let suspectsMax = 64
  static let suspectLooksMax = 256

  /// Answers those of the suspects that the library has refused, and lets the others go on.
  func settleSuspects() {
    guard !suspects.isEmpty else { return }
    for client in suspects {
      client.isSuspect = false
      let status = kassa_connection_status(client.connection)
      if status > 0 {
        refusePastLibrary(client, HeadRules.refusal(ofLibrary: UInt16(clamping: status)))
        end(client)
      }
      resume(client)
    }
    suspects.removeAll(keepingCapacity: true)
  }

  /// The socket is shut down: the library finds it so.
  private func end(_ client: ClientConnection) {
    client.phase = .answering
    client.deadline = lane.now
  }

  /// Answers a request, of whose answer nothing has been sent yet, and ends its connection. Over TLS it only ends.
  func refusePastLibrary(_ client: ClientConnection, _ refusal: HeadRefusal) {
    if !isTLS {
      let answer = handler.refusal(status: refusal.status, detail: refusal.detail)
      ResponseObject.bytes(answer, serverName: serverName).withUnsafeBytes {
        _ = Glibc.send(client.socket, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
      }
    }
    shutdown(client.socket, Int32(SHUT_RDWR))
  }
}
