import Testing

@testable import Peers

/// The dialling side's decisions, step by step.
@Suite struct OutgoingLinkTests {
  private typealias Event = OutgoingLink.Event
  private typealias Action = OutgoingLink.Action

  private func link() -> OutgoingLink { OutgoingLink(PeerLimits(), at: 0, seed: 1) }

  private func downUntil(_ link: OutgoingLink) -> UInt64? {
    if case .down(let until) = link.phase { return until }
    return nil
  }

  /// Up to a welcome at 10.
  private func openLink() -> OutgoingLink {
    var link = link()
    for event in [Event.tick, .connected, .welcomed] { _ = link.step(event, at: 10) }
    return link
  }

  @Test func opens() {
    var link = link()
    let steps: [(Event, [Action])] = [
      (.tick, [.dial]), (.tick, []), (.connected, [.introduce(attempt: 1)]), (.tick, []),
      (.welcomed, [.show(.connected), .carry]), (.heard, []), (.tick, []),
    ]
    for (event, actions) in steps { #expect(link.step(event, at: 5) == actions, "\(event)") }
    #expect(link.phase == .open && link.state == .connected)
  }

  @Test func whatEndsAnOpenLink() {
    let rows: [(Event, UInt64, [Action])] = [
      (.ended, 20, [.hangUp, .show(.connecting)]),
      (.rubbish, 20, [.hangUp, .show(.connecting), .count(.rubbishLinks)]),
      (.welcomed, 20, [.hangUp, .show(.connecting), .count(.rubbishLinks)]),
      (.refused(.replaced), 20, [.hangUp, .show(.refused(.replaced)), .yield]),
      (.refused(.otherCluster), 20, [.hangUp, .show(.refused(.otherCluster))]),
      (.tick, 2_010, [.hangUp, .show(.silent)]),
    ]
    for (event, now, actions) in rows {
      var link = openLink()
      #expect(link.step(event, at: now) == actions, "\(event)")
      guard case .down(let until) = link.phase else {
        Issue.record("it is up behind \(event)")
        continue
      }
      #expect(until > now && until <= now + PeerLimits().redialMillisecondsMax)
      #expect(link.step(.heard, at: until).isEmpty && link.step(.ended, at: until).isEmpty, "late news")
      #expect(link.step(.tick, at: until - 1).isEmpty && link.step(.tick, at: until) == [.dial])
    }
  }

  @Test func afterAPauseOfItsOwnThePeerHasTimeToAnswer() {
    var link = openLink()
    #expect(link.step(.lateTick, at: 9_000) == [.ping])
    #expect(link.step(.tick, at: 10_999) == [.ping] && link.step(.tick, at: 11_000) == [.hangUp, .show(.silent)])
    var down = self.link()
    #expect(down.step(.lateTick, at: 9_000).isEmpty && down.step(.tick, at: 9_100) == [.dial])
  }

  @Test func idleLinksAreAskedForASignOfLife() {
    var link = openLink()
    #expect(link.step(.tick, at: 509).isEmpty && link.step(.tick, at: 510) == [.ping])
    #expect(link.step(.tick, at: 600).isEmpty, "asked a moment ago")
    _ = link.step(.heard, at: 700)
    #expect(link.step(.tick, at: 1_199).isEmpty && link.step(.tick, at: 1_200) == [.ping])
  }

  /// A clock that went on while the process stood still: the first tick cuts the link, and nothing else happens.
  @Test func aProcessThatStoodStill() {
    var link = openLink()
    #expect(link.step(.tick, at: 5_000_000) == [.hangUp, .show(.silent)])
    _ = link.step(.tick, at: 5_001_000)
    #expect(link.step(.connected, at: 5_001_001) == [.introduce(attempt: 2)])
    #expect(link.step(.welcomed, at: 5_001_002) == [.count(.reconnects), .show(.connected), .carry])
  }

  @Test func whatIsTooSlowIsDroppedAndAStateStays() {
    for events in [[Event.tick], [.tick, .connected]] {
      var link = link()
      for event in events { _ = link.step(event, at: 0) }
      #expect(link.step(.tick, at: 1_999).isEmpty && link.step(.tick, at: 2_000) == [.hangUp])
      #expect(link.state == .connecting)
    }
    var refused = link()
    for event in [Event.tick, .connected, .refused(.tooMany)] { _ = refused.step(event, at: 0) }
    for event in [Event.tick, .ended] { _ = refused.step(event, at: 600) }
    #expect(refused.state == .refused(.tooMany), "until it is told something else")
  }

  /// Doubled with each failure, up to a half cut off, never beyond the bound, and begun anew by a welcome.
  @Test func waitsGrow() throws {
    var (link, now) = (link(), UInt64(0))
    for failures in 0..<80 {
      _ = link.step(.tick, at: now)
      _ = link.step(.ended, at: now)
      let until = try #require(downUntil(link))
      let whole = min(UInt64(20) << min(UInt64(failures), 10), 500)
      #expect((whole - whole / 2...whole).contains(until - now), "\(failures)")
      now = until
    }
    for event in [Event.tick, .connected, .welcomed, .ended] { _ = link.step(event, at: now) }
    let until = try #require(downUntil(link))
    #expect(until - now <= 20)
  }
}
