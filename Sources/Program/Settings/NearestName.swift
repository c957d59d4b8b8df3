/// Finds the name that was probably meant.
public enum NearestName {
  /// The nearest of some names; nil if none is near: more than a third of the letters would have to change.
  public static func of(_ word: String, among names: [String]) -> String? {
    let wanted = Array(word.lowercased().utf8)
    var best: (name: String, distance: Int)?
    for name in names {
      let candidate = Array(name.lowercased().utf8)
      let distance = distance(wanted, candidate)
      let bound = max(1, max(wanted.count, candidate.count) / 3)
      if distance <= bound, distance < best?.distance ?? .max { best = (name, distance) }
    }
    return best?.name
  }

  /// Insertions, deletions, replacements and swaps of neighbours between two words.
  static func distance(_ first: [UInt8], _ second: [UInt8]) -> Int {
    // A name has a few dozen letters; a longer word is near none and needs no table.
    if abs(first.count - second.count) > 64 || first.count > 256 { return .max }
    var older: [Int] = []
    var above = Array(0...second.count)
    for row in first.indices {
      var current = [row + 1]
      for column in second.indices {
        let replaced = above[column] + (first[row] == second[column] ? 0 : 1)
        var least = min(replaced, above[column + 1] + 1, current[column] + 1)
        if row > 0, column > 0, first[row] == second[column - 1], first[row - 1] == second[column] {
          least = min(least, older[column - 1] + 1)
        }
        current.append(least)
      }
      older = above
      above = current
    }
    return above[second.count]
  }
}
