/// Inputs with their sizes, first in, first out; taking the first ones away costs nothing on average.
struct InputQueue<Input: Sendable>: Sendable {
  private var items: [(input: Input, bytes: Int)] = []
  private var head = 0

  var count: Int { items.count - head }
  var isEmpty: Bool { head == items.count }

  subscript(place: Int) -> Input { items[head + place].input }

  mutating func append(_ input: Input, bytes: Int) { items.append((input, bytes)) }

  mutating func removeFirst(_ count: Int) {
    head += count
    if isEmpty {
      items.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= 256, head * 2 >= items.count {
      items.removeFirst(head)
      head = 0
    }
  }

  /// Removes, from a place on, what `predicate` names. Returns it.
  mutating func remove(from place: Int, where predicate: (Input) -> Bool) -> [Input] {
    guard items[(head + place)...].contains(where: { predicate($0.input) }) else { return [] }
    let gone = items[(head + place)...].filter { predicate($0.input) }.map(\.input)
    items[(head + place)...] = ArraySlice(items[(head + place)...].filter { !predicate($0.input) })
    return gone
  }

  /// The inputs of some places, as many as fit into so many bytes and at least one.
  func slice(from: Int, to end: Int, bytesMax: Int) -> [Input] {
    var bytes = 0
    var taken: [Input] = []
    for item in items[(head + from)..<(head + end)] {
      bytes += item.bytes
      if bytes > bytesMax, !taken.isEmpty { break }
      taken.append(item.input)
    }
    return taken
  }
}
