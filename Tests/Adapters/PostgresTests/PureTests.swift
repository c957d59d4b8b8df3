import Testing

@testable import Postgres

@Suite struct TurnsTests {
  @Test func neverGivesATurnOutTwice() {
    var turns = Turns()
    #expect(turns.next(3, epoch: 1) == nil, "not acquired")
    turns.acquired(3, epoch: 5, offset: nil)
    #expect(turns.next(3, epoch: 4) == nil && turns.next(3, epoch: 6) == nil)
    let first = turns.next(3, epoch: 5)
    #expect(first?.reached == 0 && first?.next == 1)
    let second = turns.next(3, epoch: 5)
    #expect(second?.reached == 0 && second?.next == 2, "the first one's fate is not known")
    turns.reached(2, 3, epoch: 5)
    let third = turns.next(3, epoch: 5)
    #expect(third?.reached == 2 && third?.next == 3)
    turns.reached(9, 3, epoch: 4)
    #expect(turns.next(3, epoch: 5)?.reached == 2, "an older epoch changes nothing")
    turns.acquired(3, epoch: 6, offset: 9)
    let anew = turns.next(3, epoch: 6)
    #expect(anew?.reached == 0 && anew?.next == 1)
  }
}

@Suite struct ParametersTests {
  @Test func writesPostgresBinaryForm() {
    var parameters = Parameters()
    parameters.add(Int16(-2))
    parameters.add(Int64(258))
    parameters.add("é")
    parameters.add("")
    let values = parameters.ranges.map { Array(parameters.bytes[$0]) }
    #expect(values == [[0xff, 0xfe], [0, 0, 0, 0, 0, 0, 1, 2], [0xc3, 0xa9], []])
  }

  @Test func writesArrays() {
    var column = Parameters.Column(.text)
    column.append("ab")
    column.appendNull()
    column.append { $0.append(7) }
    #expect(column.count == 3)
    var parameters = Parameters()
    parameters.add(column)
    parameters.add(Parameters.Column(.smallint))
    let values = parameters.ranges.map { Array(parameters.bytes[$0]) }
    let head: [UInt8] = [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 25, 0, 0, 0, 3, 0, 0, 0, 1]
    #expect(values[0] == head + [0, 0, 0, 2, 97, 98, 255, 255, 255, 255, 0, 0, 0, 1, 7])
    #expect(values[1] == [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 21], "an empty array has no dimensions")
  }
}
