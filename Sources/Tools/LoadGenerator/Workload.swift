/// Says what to call, and judges the answers. Confined to the run's thread.
protocol Workload: AnyObject {
  /// The next call, or nil if there is none now.
  func next() -> Call?
  /// There will never be another call.
  var isExhausted: Bool { get }
  /// Takes the result of a call: once for each.
  func settle(_ call: Call, _ result: CallResult) -> Verdict
}

/// The calls 0 ..< `count`, each once: for set-up, checkouts, and reading everything back.
final class CountedWorkload: Workload {
  private let count: Int
  private var given = 0
  private let call: (Int) -> Call
  private let judge: (Call, CallResult) -> Verdict

  init(count: Int, call: @escaping (Int) -> Call, judge: @escaping (Call, CallResult) -> Verdict) {
    self.count = count
    self.call = call
    self.judge = judge
  }

  var isExhausted: Bool { given == count }

  func next() -> Call? {
    guard given < count else { return nil }
    defer { given += 1 }
    return call(given)
  }

  func settle(_ call: Call, _ result: CallResult) -> Verdict { judge(call, result) }
}
