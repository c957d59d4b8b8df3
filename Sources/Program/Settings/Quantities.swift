/// Reads and writes counts, sizes and times. Written values read back unchanged.
enum Quantities {
  private static let sizeUnits: [(name: String, bytes: Int)] = [
    ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1),
  ]
  private static let timeUnits: [(name: String, milliseconds: Int64)] = [
    ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
  ]

  /// A whole number of decimal digits; `_` may separate them.
  static func count(_ text: String) -> Int? { wholeNumber(text[...]) }

  /// A number with its unit; bytes if it has none.
  static func bytes(_ text: String) -> Int? {
    let (digits, unit) = divided(text)
    if unit.isEmpty { return wholeNumber(digits) }
    guard let size = sizeUnits.first(where: { $0.name == unit })?.bytes else { return nil }
    return wholeNumber(digits).flatMap { multiplied($0, size) }
  }

  /// A number with its unit, which is required: a bare 10 could be anything.
  static func milliseconds(_ text: String) -> Int64? {
    let (digits, unit) = divided(text)
    guard let size = timeUnits.first(where: { $0.name == unit })?.milliseconds else { return nil }
    return wholeNumber(digits).flatMap { multiplied(Int64($0), size) }
  }

  static func sizeText(_ bytes: Int) -> String {
    let unit = sizeUnits.first { bytes >= $0.bytes && bytes % $0.bytes == 0 } ?? ("B", 1)
    return "\(bytes / unit.bytes)\(unit.name)"
  }

  static func durationText(_ milliseconds: Int64) -> String {
    let unit =
      timeUnits.first { milliseconds >= $0.milliseconds && milliseconds % $0.milliseconds == 0 } ?? ("ms", 1)
    return "\(milliseconds / unit.milliseconds)\(unit.name)"
  }

  /// The leading digits, and what follows them after at most one space.
  private static func divided(_ text: String) -> (digits: Substring, unit: Substring) {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == "_") }
    let rest = text[digits.endIndex...]
    return (digits, rest.hasPrefix(" ") ? rest.dropFirst() : rest)
  }

  private static func wholeNumber(_ text: Substring) -> Int? {
    guard let first = text.utf8.first, first != UInt8(ascii: "_") else { return nil }
    var number = 0
    for byte in text.utf8 where byte != UInt8(ascii: "_") {
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), let tens = multiplied(number, 10) else { return nil }
      let (sum, isTooBig) = tens.addingReportingOverflow(Int(byte - UInt8(ascii: "0")))
      if isTooBig { return nil }
      number = sum
    }
    return number
  }

  private static func multiplied<Number: FixedWidthInteger>(_ number: Number, _ factor: Number) -> Number? {
    let (product, isTooBig) = number.multipliedReportingOverflow(by: factor)
    return isTooBig ? nil : product
  }
}
