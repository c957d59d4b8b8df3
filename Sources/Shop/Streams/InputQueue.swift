/// Inputs with their sizes.
struct InputQueue<Input: Sendable>: Sendable {
  private var items = FIFO<(input: Input, bytes: Int)>()

  var count: Int { items.count }
  var isEmpty: Bool { items.isEmpty }

  subscript(place: Int) -> Input { items[place].input }

  mutating func append(_ input: Input, bytes: Int) { items.append((input, bytes)) }

  mutating func removeFirst(_ count: Int) { items.removeFirst(count) }

  /// Removes what matches `predicate`, from a place on. Returns it.
  mutating func remove(from place: Int, where predicate: (Input) -> Bool) -> [Input] {
    items.remove(from: place) { predicate($0.input) }.map(\.input)
  }

  /// The inputs of some places, as many as fit into `bytesMax` and at least one.
  func slice(from: Int, to end: Int, bytesMax: Int) -> [Input] {
    var bytes = 0
    var taken: [Input] = []
    for item in items.all.dropFirst(from).prefix(end - from) {
      bytes += item.bytes
      if bytes > bytesMax, !taken.isEmpty { break }
      taken.append(item.input)
    }
    return taken
  }
}
