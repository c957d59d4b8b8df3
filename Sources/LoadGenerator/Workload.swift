/// Says what to call, and judges the answers. Confined to the thread of the run.
protocol Workload: AnyObject {
  /// The next call, or nil when there is none now.
  func next() -> Call?
  /// No call will ever come again.
  var isExhausted: Bool { get }
  /// Takes what became of a call: once for each.
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
