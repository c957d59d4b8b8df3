import Foundation

/// `golden.txt`: for each case a line of name, message and bytes in hexadecimal, then the same as protoc's text
/// format, indented. Lines of `#` are comments.
enum GoldenTable {
  struct Row: Sendable {
    let name: String
    let message: String
    let bytes: [UInt8]
    var text: String
  }

  struct Malformed: Error, CustomStringConvertible {
    let description: String
  }

  static func rows() throws -> [Row] {
    guard let url = Bundle.module.url(forResource: "golden", withExtension: "txt") else {
      throw Malformed(description: "golden.txt is not in the test bundle")
    }
    var rows: [Row] = []
    for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") where !line.hasPrefix("#") {
      if line.hasPrefix("  ") {
        guard let last = rows.indices.last else { throw Malformed(description: "text before the first row") }
        rows[last].text += line.dropFirst(2) + "\n"
        continue
      }
      let columns = line.split(separator: " ")
      guard columns.count == 3, let bytes = bytes(ofHexadecimal: columns[2]) else {
        throw Malformed(description: "not name, message and bytes: \(line)")
      }
      rows.append(Row(name: String(columns[0]), message: String(columns[1]), bytes: bytes, text: ""))
    }
    return rows
  }

  private static func bytes(ofHexadecimal text: Substring) -> [UInt8]? {
    let digits = text.compactMap(\.hexDigitValue)
    guard digits.count == text.count, digits.count % 2 == 0 else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
  }
}
