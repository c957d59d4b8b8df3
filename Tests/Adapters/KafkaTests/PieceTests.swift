import Ports
import Testing

/// The parts of the log that need no broker.
@Suite struct PieceTests {
  @Test func boundsRefuseWhatTheTopicLacks() {
    let bounds = LogBounds(first: 10, next: 20)
    #expect(bounds.refusal(behind: 8, of: orders)?.code == .trimmed)
    #expect(bounds.refusal(behind: 9, of: orders) == nil)
    #expect(bounds.refusal(behind: 19, of: orders) == nil)
    #expect(bounds.refusal(behind: 20, of: orders)?.code == .format)
    #expect(bounds.refusal(behind: -2, of: orders)?.code == .format)
    #expect(bounds.refusal(behind: .max - 1, of: orders)?.code == .format)
    #expect(LogBounds(first: 0, next: 0).refusal(behind: -1, of: orders) == nil)
    #expect(LogBounds(first: 20, next: 20).refusal(behind: -1, of: orders)?.code == .trimmed, "emptied by retention")
    #expect(bounds.margin(behind: 14) == 5 && bounds.margin(behind: 3) == 0)
  }
}
