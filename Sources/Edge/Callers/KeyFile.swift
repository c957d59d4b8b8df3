/// The file of API keys: one key per line.
///
/// ```
/// # id            SHA-256 of the secret   scopes                    rate
/// shop-web        9f86d08188…             orders,stock:read         200/400
/// nightly-import  60303ae22b…             stock,admin               unlimited
/// ```
/// Words are separated by blanks; empty lines and lines starting with `#` are skipped. The rate is in requests per
/// second, optionally with `/BURST` for how many may come at once, or `unlimited`, or `default`, which may be left out.
package struct KeyFile: Hashable, Sendable {
  package enum Rate: Hashable, Sendable, CustomStringConvertible {
    case ofSettings, unlimited
    case own(CallerRate)

    package var description: String {
      switch self {
      case .ofSettings: "default"
      case .unlimited: "unlimited"
      case .own(let rate): rate.description
      }
    }

    package init?(_ text: Substring) {
      switch text {
      case "default": self = .ofSettings
      case "unlimited": self = .unlimited
      default:
        guard let rate = CallerRate(text) else { return nil }
        self = .own(rate)
      }
    }
  }

  package struct Key: Hashable, Sendable, CustomStringConvertible {
    package let id: CallerID
    package let digest: SHA256Digest
    package let scopes: CallerScopes
    package let rate: Rate

    package init(id: CallerID, digest: SHA256Digest, scopes: CallerScopes, rate: Rate = .ofSettings) {
      self.id = id
      self.digest = digest
      self.scopes = scopes
      self.rate = rate
    }

    package var description: String { "\(id) \(digest) \(scopes) \(rate)" }
  }

  /// Why a file is not a key file: the line and what is wrong with it.
  package struct Failure: Error, Hashable, CustomStringConvertible {
    package let line: Int
    package let reason: String
    package var description: String { "line \(line): \(reason)" }
  }

  package static let keysMax = 10_000
  package static let bytesMax = 4 << 20

  package let keys: [Key]

  /// Without any key.
  package static let none = KeyFile(keys: [])

  private init(keys: [Key]) { self.keys = keys }

  /// - Throws: `Failure` about the first line that is wrong. It never shows a line's words: one may be a secret.
  package init(_ text: String) throws(Failure) {
    var keys: [Key] = []
    var lineOf: [CallerID: Int] = [:]
    for (index, line) in Self.lines(text).enumerated() {
      guard let key = try Self.key(line, index + 1) else { continue }
      if let other = lineOf.updateValue(index + 1, forKey: key.id) {
        throw Failure(line: index + 1, reason: "the id \(key.id) is already at line \(other)")
      }
      guard keys.count < Self.keysMax else {
        throw Failure(line: index + 1, reason: "more than \(Self.keysMax) keys; revoke unused ones")
      }
      keys.append(key)
    }
    self.keys = keys
  }

  /// CR LF is one character in Swift.
  private static func lines(_ text: String) -> [Substring] {
    text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
  }

  /// The key of a line; nil if it has none.
  static func key(_ line: Substring, _ number: Int = 0) throws(Failure) -> Key? {
    let words = line.split { $0 == " " || $0 == "\t" || $0 == "\r" }
    guard let first = words.first, !first.hasPrefix("#") else { return nil }
    guard (3...4).contains(words.count) else {
      throw Failure(line: number, reason: "a key is ID SHA256 SCOPES [RATE], three or four words")
    }
    guard let id = CallerID(first) else {
      throw Failure(line: number, reason: "an id is 1 to 32 characters of A-Z a-z 0-9 _ -")
    }
    guard let digest = SHA256Digest(hex: words[1]) else {
      throw Failure(line: number, reason: "the second word is the SHA-256 of the secret, 64 hexadecimal digits")
    }
    guard let scopes = CallerScopes(names: words[2]) else {
      let names = CallerScopes.all.map(\.name.description).joined(separator: ", ")
      throw Failure(line: number, reason: "scopes are some of \(names), separated by commas")
    }
    guard let rate = words.count > 3 ? Rate(words[3]) : .ofSettings else {
      throw Failure(line: number, reason: "a rate is RATE or RATE/BURST of 1…1000000, 'unlimited' or 'default'")
    }
    return Key(id: id, digest: digest, scopes: scopes, rate: rate)
  }

  /// The text with a key's line appended; comments stay.
  package static func adding(_ key: Key, to text: String) -> String {
    text + (text.isEmpty || text.hasSuffix("\n") ? "" : "\n") + "\(key)\n"
  }

  /// The text without a key's line; nil if there is none.
  package static func removing(_ id: CallerID, from text: String) -> String? {
    var lines = lines(text)
    let place = lines.firstIndex { line in
      guard let key = try? Self.key(line) else { return false }
      return key.id == id
    }
    guard let place else { return nil }
    lines.remove(at: place)
    return lines.joined(separator: "\n")
  }
}
