import Testing

@testable import Server

/// Each case is what is looked at, one look a second: whether the database answers (`+`), or not and takeovers fail
/// (`-`) or none waits (`.`); then in which look the pod stepped aside (`a`) and joined again (`j`).
@Suite struct StoreOutageTests {
  private static let table = """
    ++++  | ....
    ----  | ...a
    ....  | ....
    --+-- | .....
    --.-- | .....
    -------+ | ...a...j
    ------++-- | ...a..j...
    ----......+.---- | ...a......j....a
    """

  @Test func stepsAsideAndComesBack() {
    for line in Self.table.split(separator: "\n") {
      let columns = line.split(separator: "|").map { $0.filter { $0 != " " } }
      var outage = StoreOutage(millisecondsMax: 3_000)
      let steps = columns[0].enumerated().map { place, sign in
        switch outage.look(isConnected: sign == "+", isFailing: sign == "-", at: Int64(place) * 1_000) {
        case .stepAside: "a"
        case .join: "j"
        case nil: "."
        }
      }
      #expect(steps.joined() == columns[1], "\(line)")
    }
  }
}
