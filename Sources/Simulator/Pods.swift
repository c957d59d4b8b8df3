import Model

/// The processes of a simulated cluster, as far as they go wrong as a whole. Owners and clients belong to one each.
struct Pods {
  /// One process, which its supervisor starts again at once when it died.
  struct Pod {
    /// What its monotonic clock shows at the world's time 0, and how fast it runs, in thousandths.
    let offset: Int64
    let rate: Int64
    /// Until these times nothing happens in it, or one of its connections does not work.
    var pausedUntil: Int64 = 0
    var cutFromLogUntil: Int64 = 0
    var cutFromStoreUntil: Int64 = 0
  }

  /// What a pod says in a partition's log, on its way there.
  struct Sending {
    let pod: Int
    let partition: PartitionID
    let control: Control
  }

  private(set) var all: [Pod]
  /// The world's time in milliseconds: what the pods' clocks rest on. Never runs backwards.
  private(set) var time: Int64 = 0
  /// In the order in which each pod sent them.
  var sendings: [Sending] = []
  /// What pods say when their clocks show a time.
  private var later: [(sending: Sending, at: Int64)] = []

  init(count: Int, random: inout SeededRandom) {
    // Any two of them run equally fast to a tenth: 1,045 / 955 < 1.1.
    all = (0..<count).map { _ in
      Pod(offset: Int64(random.below(1_000_000)), rate: Int64(random.within(955...1_045)))
    }
  }

  mutating func pass(_ milliseconds: Int64) { time += milliseconds }

  func clock(of pod: Int) -> Int64 { all[pod].offset + time * all[pod].rate / 1_000 }

  func isPaused(_ pod: Int) -> Bool { time < all[pod].pausedUntil }
  func isCutFromLog(_ pod: Int) -> Bool { time < all[pod].cutFromLogUntil }
  func isCutFromStore(_ pod: Int) -> Bool { time < all[pod].cutFromStoreUntil }

  mutating func pause(_ pod: Int, for milliseconds: Int64) { all[pod].pausedUntil = time + milliseconds }
  mutating func cutFromLog(_ pod: Int, for milliseconds: Int64) { all[pod].cutFromLogUntil = time + milliseconds }
  mutating func cutFromStore(_ pod: Int, for milliseconds: Int64) {
    all[pod].cutFromStoreUntil = time + milliseconds
  }

  mutating func say(_ sending: Sending, at time: Int64) { later.append((sending, time)) }

  /// Sends what is due by now.
  mutating func sendLater() {
    let due = later.filter { !isPaused($0.sending.pod) && $0.at <= clock(of: $0.sending.pod) }
    guard !due.isEmpty else { return }
    later.removeAll { !isPaused($0.sending.pod) && $0.at <= clock(of: $0.sending.pod) }
    sendings += due.map(\.sending)
  }

  /// A new process: nothing is wrong with it, and of what the old one was sending only a part still arrives.
  mutating func restart(_ pod: Int, arriving count: Int) {
    all[pod].pausedUntil = 0
    all[pod].cutFromLogUntil = 0
    all[pod].cutFromStoreUntil = 0
    later.removeAll { $0.sending.pod == pod }
    var left = count
    sendings.removeAll { sending in
      guard sending.pod == pod else { return false }
      left -= 1
      return left < 0
    }
  }

  mutating func mend() {
    for pod in all.indices {
      all[pod].pausedUntil = 0
      all[pod].cutFromLogUntil = 0
      all[pod].cutFromStoreUntil = 0
    }
  }

  /// The next thing that one of the pods says, of those that can; each pod's reach the log in their order.
  mutating func takeSending(_ random: inout SeededRandom) -> Sending? {
    let able = sendings.indices.filter { place in
      let pod = sendings[place].pod
      return !isCutFromLog(pod) && !isPaused(pod)
    }
    guard let place = random.pick(able) else { return nil }
    let pod = sendings[place].pod
    return able.first { sendings[$0].pod == pod }.map { sendings.remove(at: $0) }
  }
}
