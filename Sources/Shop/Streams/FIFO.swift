/// Elements first in, first out; taking the first ones away costs nothing on average.
public struct FIFO<Element: Sendable>: Sendable {
  private var items: [Element] = []
  private var head = 0

  /// Elements that were taken but are kept until moving the rest is worth it.
  private static var takenMax: Int { 256 }

  public init() {}

  public var count: Int { items.count - head }
  public var isEmpty: Bool { head == items.count }
  public var first: Element? { isEmpty ? nil : items[head] }
  public var last: Element? { isEmpty ? nil : items[items.count - 1] }
  /// All elements, oldest first.
  public var all: ArraySlice<Element> { items[head...] }

  /// - Parameter place: counted from the oldest element; below `count`.
  public subscript(place: Int) -> Element { items[head + place] }

  public mutating func append(_ element: Element) { items.append(element) }

  /// - Parameter count: at most the number of elements.
  public mutating func removeFirst(_ count: Int = 1) {
    head += count
    if isEmpty {
      items.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= Self.takenMax, head * 2 >= items.count {
      items.removeFirst(head)
      head = 0
    }
  }

  /// Removes what matches `predicate`, from a place on. Returns it.
  public mutating func remove(from place: Int, where predicate: (Element) -> Bool) -> [Element] {
    guard items[(head + place)...].contains(where: predicate) else { return [] }
    let rest = items[(head + place)...]
    let gone = rest.filter(predicate)
    items[(head + place)...] = ArraySlice(rest.filter { !predicate($0) })
    return gone
  }
}
