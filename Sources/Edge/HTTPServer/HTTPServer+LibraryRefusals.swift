import CMicroHTTPD
import Glibc
import Lanes

// libmicrohttpd refuses some requests itself, before the handler sees them, with a line of HTML, and then closes the
// connection. For a complete head that it cannot use (a length that is not a number, more cookies than its memory
// holds) it even sends the answer's head twice, so that a client would take the second one for the body. Its answer
// cannot be replaced; but it logs each refusal before sending it. At that point the answer is sent bypassing the
// library, and the socket is shut down.
//
// The library does not say which connection it refuses. So every candidate is suspended during the refusal, which keeps
// the answer from being sent; once the library has returned, the connection with a queued answer is the one.
extension HTTPServer {
  /// The library is about to refuse a request.
  func libraryRefuses() {
    var isKnown = false
    // A connection whose head is complete but was not yet passed to the handler can only be the library's current one:
    // it passes on a request in the same step.
    for client in clients where client.phase == .receiving && kassa_connection_head_bytes(client.connection) > 0 {
      isKnown = true
      head.collect(client.connection, exchange: nextExchange())
      refusePastLibrary(client, HeadRules.refusalOfUnusable(head, limits: limits))
      end(client)
    }
    // Over TLS nothing can be sent bypassing the library.
    if !isKnown, !isTLS { holdSuspects() }
  }

  /// Suspends the connections that have sent part of a request that the library may refuse, the newest first. If there
  /// are more than are checked, it may be none of these, and the library's own answer is sent.
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
      // A connection that the library has already closed, which it reports later, must not be suspended: its socket is
      // shut down.
      guard kassa_socket_is_open(client.socket) != 0 else { continue }
      client.isSuspect = true
      suspects.append(client)
      MHD_suspend_connection(client.connection)
    }
  }

  /// Connections suspended for one refusal, and silent ones checked.
  static let suspectsMax = 64
  static let suspectLooksMax = 256

  /// Answers those suspects that the library has refused, and resumes the others.
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

  /// Shuts down the socket, which the library will notice.
  private func end(_ client: ClientConnection) {
    client.phase = .answering
    client.deadline = lane.now
  }

  /// Answers a request if nothing of its answer has been sent yet, and ends its connection. Over TLS it only ends it.
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
