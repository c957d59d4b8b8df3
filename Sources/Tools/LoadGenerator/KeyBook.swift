/// The answer given under each idempotency key, so that the same can be asked again. Confined to the run's thread.
final class KeyBook {
  struct Entry {
    let call: Call
    let digest: UInt64
  }

  private(set) var entries: [Entry] = []
  /// Keys handed out.
  private(set) var used: UInt32 = 0

  /// A number for a new key; never 0, which means none.
  func newKey() -> UInt32 {
    used &+= 1
    return used
  }

  /// Remembers a final answer; one that may change a moment later is not final.
  func note(_ call: Call, status: UInt16, body: UnsafeBufferPointer<UInt8>) {
    guard call.key > 0, entries.count < LoadLimits.keysReplayedMax, Self.isFinal(status) else { return }
    entries.append(Entry(call: call, digest: Self.digest(status: status, body: body)))
  }

  static func isFinal(_ status: UInt16) -> Bool { status < 500 && status != 429 && status != 408 }

  /// A hash of an answer: a success by its bytes, a refusal by its code (its body also names the request).
  static func digest(status: UInt16, body: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var hash = (14_695_981_039_346_656_037 ^ UInt64(status)) &* 1_099_511_628_211
    func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 1_099_511_628_211 }
    if status < 300 {
      for byte in body { mix(byte) }
    } else if let problem = ProblemBody(body) {
      for byte in problem.code.utf8 { mix(byte) }
      for byte in (problem.item ?? "").utf8 { mix(byte) }
    }
    return hash
  }
}
