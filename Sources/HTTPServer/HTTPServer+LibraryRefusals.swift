import CMicroHTTPD
import Glibc
import Lanes

// libmicrohttpd refuses some requests by itself, before the handler hears of them, and closes the connection behind its
// answer. Of a head that it has read to its end and then cannot use (a length that is no number, more cookies than its
// memory holds) it sends the answer's head twice, so that a client would take the second one for the body. It cannot be
// told to send another answer; but it logs each refusal before it sends it. Then the answer is sent past the library,
// and the socket shut down under it.
extension HTTPServer {
  /// The library is about to refuse a request, and does not say of whom. One whose head is complete, while nobody has
  /// been handed it, can only be the one that it is at: it hands a request over in the same step.
  func libraryRefuses() {
    for client in clients where client.phase == .receiving && kassa_connection_head_bytes(client.connection) > 0 {
      head.collect(client.connection, exchange: nextExchange())
      refusePastLibrary(client, HeadRules.refusalOfUnusable(head, limits: limits))
      client.phase = .answering
      client.deadline = lane.now
    }
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
