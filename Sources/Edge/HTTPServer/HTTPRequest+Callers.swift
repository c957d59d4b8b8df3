import Callers

extension HTTPRequest {
  /// The caller whose key it carries, in either `Authorization` or `X-API-Key`, or whose token it carries in
  /// `Authorization`; exactly one of them, once.
  ///
  /// - Throws: `CallerGate.Refusal`.
  package func caller(of gate: CallerGate) throws(CallerGate.Refusal) -> Caller {
    let bearer = withHeader("Authorization") { count, value in
      Self.answer(count) { () throws(CallerGate.Refusal) in try gate.caller(authorization: value) }
    }
    let key = withHeader("X-API-Key") { count, value in
      Self.answer(count) { () throws(CallerGate.Refusal) in try gate.caller(key: value) }
    }
    switch (bearer, key) {
    case (nil, nil): throw .nothing
    case (let only?, nil), (nil, let only?): return try only.get()
    case (_?, _?): throw .malformed
    }
  }

  /// nil without the header.
  private static func answer(
    _ count: Int, _ find: () throws(CallerGate.Refusal) -> Caller
  ) -> Result<Caller, CallerGate.Refusal>? {
    switch count {
    case 0: nil
    case 1: Result(catching: find)
    default: .failure(.malformed)
    }
  }
}
