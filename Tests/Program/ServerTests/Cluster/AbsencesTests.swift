import Model
import Testing

@testable import Server
@testable import Peers

@Suite struct AbsencesTests {
  private let pods = (1...3).map { number in
    PodAnnouncement(name: "pod-\(number)", incarnation: UInt64(number), host: "127.0.0.1", port: 7)
  }

  private func status(_ name: String, _ state: PeerState) -> PeerStatus {
    PeerStatus(name: name, state: state, queuedFrames: 0, queuedBytes: 0)
  }

  @Test func onlyALongAbsenceIsAnEnd() {
    let max = Absences.millisecondsMax
    var absences = Absences()
    func over(_ now: Int64, _ states: PeerState...) -> [String] {
      let statuses = states.enumerated().map { status("pod-\($0 + 1)", $1) }
      return absences.over(pods, statuses, at: now).map(\.name)
    }
    #expect(over(0, .connecting, .connected, .silent) == [])
    #expect(over(max - 1, .connecting, .connected, .silent) == [])
    // One comes back for a moment: its time begins anew.
    #expect(over(max, .connecting, .silent, .connected) == ["pod-1"])
    #expect(over(max + 1, .refused(.otherPod), .silent, .silent) == [])
    #expect(over(2 * max, .connecting, .silent, .silent) == ["pod-1", "pod-2"], "told again")
    #expect(over(2 * max + 1, .refused(.otherVersion), .refused(.tooMany), .silent) == ["pod-3"])
    #expect(over(9 * max, .refused(.otherVersion), .refused(.tooMany), .connected) == [])
    #expect(over(9 * max) == [])
    #expect(over(10 * max) == ["pod-1", "pod-2", "pod-3"], "not followed at all")
  }

  @Test func anotherRunHasATimeOfItsOwn() {
    var absences = Absences()
    let max = Absences.millisecondsMax
    #expect(absences.over([pods[0]], [], at: 0).isEmpty)
    let again = PodAnnouncement(name: "pod-1", incarnation: 9, host: "127.0.0.1", port: 7)
    #expect(absences.over([again], [], at: max).isEmpty)
    #expect(absences.over([again], [], at: 2 * max) == [again])
  }
}
