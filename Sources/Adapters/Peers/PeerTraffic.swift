/// How frames matter to a peer short of room: each kind of traffic has its own numbers, queue and credit, so that
/// requests that nobody takes never block the answers that make room for them.
public enum PeerTraffic: UInt8, CaseIterable, Hashable, Sendable {
  /// Commands and reads: what makes the receiver work, and can be refused.
  case requests = 0
  /// Outcomes, messages, acknowledgements: what ends work that is under way.
  case replies = 1
}

/// A value for each kind of traffic.
struct PerTraffic<Value> {
  private var requests: Value
  private var replies: Value

  init(requests: Value, replies: Value) {
    self.requests = requests
    self.replies = replies
  }

  init(both value: Value) { self.init(requests: value, replies: value) }

  /// Makes them one by one, in the order of the cases; nil if one of them is.
  init?(_ make: () -> Value?) {
    guard let requests = make(), let replies = make() else { return nil }
    self.init(requests: requests, replies: replies)
  }

  subscript(traffic: PeerTraffic) -> Value {
    get { traffic == .requests ? requests : replies }
    _modify { if traffic == .requests { yield &requests } else { yield &replies } }
  }

  func map<Other>(_ change: (Value) -> Other) -> PerTraffic<Other> {
    PerTraffic<Other>(requests: change(requests), replies: change(replies))
  }

  func allSatisfy(_ test: (Value) -> Bool) -> Bool { test(requests) && test(replies) }
}

extension PerTraffic: Equatable where Value: Equatable {}
extension PerTraffic: Hashable where Value: Hashable {}
extension PerTraffic: Sendable where Value: Sendable {}
