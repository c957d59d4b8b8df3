import Testing

@testable import Server

@Suite struct ServerNewsTests {
  private func away(_ name: String, _ reason: String = "gone") -> ServerState {
    ServerState(name, isWell: false, reason: reason)
  }
  private func well(_ name: String) -> ServerState { ServerState(name, isWell: true) }

  @Test func tellsOnceWhatTwoLooksFound() {
    var news = ServerNews()
    #expect(news.changes([away("a"), well("b")]) == [])
    #expect(news.changes([away("a"), well("b")]) == [away("a")])
    #expect(news.changes([away("a"), well("b")]) == [])
    #expect(news.changes([well("a"), well("b")]) == [well("a")])
    #expect(news.changes([well("a"), well("b")]) == [])
  }

  @Test func aConnectionThatIsBeingMadeIsNoNews() {
    var news = ServerNews()
    #expect(news.changes([away("a")]) == [])
    #expect(news.changes([well("a")]) == [])
    #expect(news.changes([away("a")]) == [])
    #expect(news.changes([well("a")]) == [])
  }

  @Test func anotherReasonIsNews() {
    var news = ServerNews()
    _ = news.changes([away("a", "x")])
    #expect(news.changes([away("a", "x")]) == [away("a", "x")])
    #expect(news.changes([away("a", "y")]) == [])
    #expect(news.changes([away("a", "y")]) == [away("a", "y")])
  }

  @Test func forgetsWhoIsMissing() {
    var news = ServerNews()
    _ = news.changes([away("a")])
    _ = news.changes([away("a")])
    #expect(news.changes([]) == [])
    #expect(news.changes([well("a")]) == [])
  }
}
