import Ports
import Testing

/// The parts of the log that need no broker.
@Suite struct PieceTests {
  @Test func boundsRefuseWhatTheTopicLacks() {
    let bounds = LogBounds(first: 10, next: 20)
    #expect(bounds.refusal(after: 8, of: orders)?.code == .trimmed)
    #expect(bounds.refusal(after: 9, of: orders) == nil)
    #expect(bounds.refusal(after: 19, of: orders) == nil)
    #expect(bounds.refusal(after: 20, of: orders)?.code == .format)
    #expect(bounds.refusal(after: -2, of: orders)?.code == .format)
    #expect(bounds.refusal(after: .max - 1, of: orders)?.code == .format)
    #expect(LogBounds(first: 0, next: 0).refusal(after: -1, of: orders) == nil)
    #expect(LogBounds(first: 20, next: 20).refusal(after: -1, of: orders)?.code == .trimmed, "emptied by retention")
    #expect(bounds.margin(after: 14) == 5 && bounds.margin(after: 3) == 0)
  }
}
