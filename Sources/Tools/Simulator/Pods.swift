import Model

/// The processes of a simulated cluster and the faults that affect a whole process. Each owner and client belongs to
/// one.
struct Pods {
  /// One process; its supervisor restarts it at once when it dies.
  struct Pod {
    /// Its monotonic clock at the world's time 0, and how fast that runs, in thousandths.
    let offset: Int64
    let rate: Int64
    /// Until these times the process is paused, or one of its connections does not work.
    var pausedUntil: Int64 = 0
    var cutFromLogUntil: Int64 = 0
    var cutFromStoreUntil: Int64 = 0
  }

  /// A pod's control record in transit to a partition's log.
  struct Sending {
    let pod: Int
    let partition: PartitionID
    let control: Control
  }

  /// An owner's reply in transit to the pod that asked.
  struct Telling {
    let pod: Int
    /// The number of the owner.
    let owner: Int
    let reply: Reply
  }

  private(set) var all: [Pod]
  /// The world's time in milliseconds, from which the pods' clocks derive. Never runs backwards.
  private(set) var time: Int64 = 0
  /// In the order in which each pod sent them.
  var sendings: [Sending] = []
  /// What pods will send when their clocks reach a time.
  private var later: [(sending: Sending, at: Int64)] = []
  /// In the order in which each pod sent them.
  var tellings: [Telling] = []

  init(count: Int, random: inout SeededRandom) {
    // The speeds of any two differ by less than a tenth: 1,045 / 955 < 1.1.
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
    let isDue = later.map { !isPaused($0.sending.pod) && $0.at <= clock(of: $0.sending.pod) }
    guard isDue.contains(true) else { return }
    sendings += zip(later, isDue).filter(\.1).map(\.0.sending)
    later = zip(later, isDue).filter { !$0.1 }.map(\.0)
  }

  /// A new process without faults. Only part of what the old one was sending to logs still arrives, and none of its
  /// replies to other pods. Returns the number of those replies.
  mutating func restart(_ pod: Int, arriving count: Int) -> Int {
    let lost = tellings.count
    tellings.removeAll { $0.pod == pod }
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
    return lost - tellings.count
  }

  /// Whether a reply of an owner has not arrived.
  func isTelling(_ owner: Int) -> Bool { tellings.contains { $0.owner == owner } }

  /// The oldest reply of one of the running pods.
  mutating func takeTelling(_ random: inout SeededRandom) -> Reply? {
    let able = tellings.indices.filter { !isPaused(tellings[$0].pod) }
    guard let place = random.pick(able) else { return nil }
    let pod = tellings[place].pod
    return able.first { tellings[$0].pod == pod }.map { tellings.remove(at: $0).reply }
  }

  mutating func mend() {
    for pod in all.indices {
      all[pod].pausedUntil = 0
      all[pod].cutFromLogUntil = 0
      all[pod].cutFromStoreUntil = 0
    }
  }

  /// The next control record of one of the pods that can send; each pod's records reach the log in order.
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
