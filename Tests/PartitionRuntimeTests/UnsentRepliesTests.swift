import Model
import Testing

@testable import PartitionRuntime

@Suite struct UnsentRepliesTests {
  private func reply(_ number: UInt64, of pod: UInt64 = 1) -> PeerMessage {
    .refused(RequestID(incarnation: pod, lane: 0, number: number), .starting)
  }

  private func peer(_ pod: UInt64, lane: UInt16 = 0) -> LaneCluster.PeerLane {
    LaneCluster.PeerLane(incarnation: pod, lane: lane)
  }

  @Test func keepsThemUntilTheyCanBeSent() {
    var replies = UnsentReplies(repliesMax: 100)
    #expect(replies.isEmpty && replies.areGone(through: 0) && replies.newest == 0)
    for number in UInt64(1)...4 { #expect(replies.add(reply(number), to: peer(number % 2), until: 1_000) == 0) }
    #expect(replies.newest == 4 && !replies.areGone(through: 1) && replies.areGone(through: 0))
    var sent: [UInt64: [PeerMessage]] = [:]
    let lost = replies.retry(at: 10, isExpected: { _ in true }) { peer, messages in
      guard peer.incarnation == 1 else { return false }
      sent[peer.incarnation] = messages
      return true
    }
    #expect(lost == 0 && sent == [1: [reply(1), reply(3)]])
    #expect(replies.areGone(through: 1) && !replies.areGone(through: 2))
    #expect(replies.retry(at: 20, isExpected: { _ in true }) { _, _ in true } == 0)
    #expect(replies.isEmpty && replies.areGone(through: 4))
  }

  @Test func givesUpWhatIsOfNoUse() {
    var replies = UnsentReplies(repliesMax: 100)
    for (pod, until) in [(UInt64(1), UInt64(50)), (2, 50), (3, 51), (3, 99)] {
      _ = replies.add(reply(1), to: peer(pod), until: until)
    }
    #expect(replies.retry(at: 20, isExpected: { $0 != 2 }) { _, _ in false } == 1)
    #expect(replies.retry(at: 50, isExpected: { $0 != 2 }) { _, _ in false } == 1)
    #expect(replies.areGone(through: 2) && !replies.areGone(through: 3))
    #expect(replies.retry(at: 99, isExpected: { _ in true }) { _, _ in false } == 2 && replies.isEmpty)
  }

  @Test func keepsOnlySoMany() {
    var replies = UnsentReplies(repliesMax: 20)
    let lost = (UInt64(1)...21).map { replies.add(reply($0), to: peer(1), until: 1_000) }
    #expect(lost.reduce(0, +) == 2 && lost.last == 2)
    #expect(replies.areGone(through: 2) && !replies.areGone(through: 3) && replies.newest == 21)
  }
}
