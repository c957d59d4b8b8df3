import Clocks
import Glibc

/// Reports the progress of long work on standard error. Work of less than two seconds is silent.
///
/// On a terminal it rewrites one line; elsewhere it prints a new line now and then, without escape codes. Not
/// thread-safe.
final class Progress {
  static let silentMilliseconds: Int64 = 2_000
  static let terminalMilliseconds: Int64 = 200
  static let lineMilliseconds: Int64 = 10_000

  private let what: String
  private let unit: String
  private let total: Int?
  private let console: Console
  private let clock: () -> Int64
  private let start: Int64
  private var nextAt: Int64
  private var isShown = false

  /// - Parameters:
  ///   - what: the work, as in "replaying the log".
  ///   - unit: what is counted, in the plural.
  ///   - total: how many there are, if known.
  ///   - clock: milliseconds that never run backwards.
  init(
    _ what: String, unit: String, total: Int?, console: Console,
    clock: @escaping () -> Int64 = { MonotonicClock.milliseconds }
  ) {
    self.what = what
    self.unit = unit
    self.total = total
    self.console = console
    self.clock = clock
    start = clock()
    nextAt = start + Self.silentMilliseconds
  }

  /// This many are done in total. Cheap enough to call for each of several thousand.
  func advance(to done: Int) {
    let now = clock()
    guard now >= nextAt else { return }
    nextAt = now + (console.isTerminal ? Self.terminalMilliseconds : Self.lineMilliseconds)
    show(text(done, now))
  }

  /// Ends the line; shows the end if anything was shown before.
  func finish(_ done: Int) {
    guard isShown else { return }
    let seconds = (clock() - start + 500) / 1_000
    show("\(what): \(grouped(done)) \(unit) in \(seconds) s")
    if console.isTerminal { console.complain("\n") }
  }

  private func text(_ done: Int, _ now: Int64) -> String {
    guard let total, total > 0, done > 0 else { return "\(what): \(grouped(done)) \(unit)" }
    let share = min(1, Double(done) / Double(total))
    let left = Int(Double(now - start) / share * (1 - share) / 1_000 + 0.5)
    return "\(what): \(grouped(done)) of \(grouped(total)) \(unit), \(Int(share * 100)) %, \(left) s left"
  }

  private func show(_ text: String) {
    // Carriage return, text, erase to the line's end: the cursor never jumps.
    console.complain(console.isTerminal ? "\r\(text)\u{1B}[K" : "\(text)\n")
    isShown = true
  }

  /// Digits in groups of three.
  private func grouped(_ number: Int) -> String {
    var text = ""
    let digits = String(number)
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text += "," }
      text.append(digit)
    }
    return text
  }
}
