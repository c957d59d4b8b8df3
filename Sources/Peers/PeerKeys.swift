import CZeroMQ
import Glibc

/// One half of a CURVE key pair: 32 bytes, written as the 40 characters of Z85.
public struct PeerKey: Hashable, Sendable, CustomStringConvertible {
  public static let textBytes = 40

  public let text: String

  /// nil when it is no key.
  public init?(_ text: String) {
    guard text.utf8.count == Self.textBytes else { return nil }
    var raw = [UInt8](repeating: 0, count: 32)
    guard zmq_z85_decode(&raw, text) != nil else { return nil }
    self.text = text
  }

  /// From what a ZAP request carries.
  init?(raw: [UInt8]) {
    guard raw.count == 32 else { return nil }
    var text = [CChar](repeating: 0, count: Self.textBytes + 1)
    guard zmq_z85_encode(&text, raw, raw.count) != nil else { return nil }
    self.text = String(decoding: text.prefix(Self.textBytes).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  public var description: String { text }
}

/// A pod's key pair and the public keys that it takes peers with. Its description leaves the secret out.
///
/// Pods may share one pair: then the pair's public key is the only one they trust.
public struct PeerKeys: Sendable, CustomStringConvertible {
  public let publicKey: PeerKey
  let secretKey: PeerKey
  public var trusted: Set<PeerKey>

  public var description: String { "the pair of \(publicKey), trusting \(trusted.count) keys" }

  /// Makes a new pair from the system's randomness, which trusts itself.
  public static func make() throws(PeerFailure) -> PeerKeys {
    var (publicText, secretText) = (
      [CChar](repeating: 0, count: PeerKey.textBytes + 1), [CChar](repeating: 0, count: PeerKey.textBytes + 1)
    )
    guard zmq_curve_keypair(&publicText, &secretText) == 0 else {
      throw PeerFailure(code: .keys, message: "this ZeroMQ was built without CURVE")
    }
    let texts = [publicText, secretText].map {
      String(decoding: $0.prefix(PeerKey.textBytes).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
    guard let publicKey = PeerKey(texts[0]), let secretKey = PeerKey(texts[1]) else {
      throw PeerFailure(code: .keys, message: "ZeroMQ made a key that it does not read")
    }
    return PeerKeys(publicKey: publicKey, secretKey: secretKey, trusted: [publicKey])
  }

  // MARK: Files

  public static let fileBytesMax = 65_536

  /// The text of a key file.
  public var fileText: String {
    var lines = ["public \(publicKey)", "secret \(secretKey)"]
    lines += trusted.map(\.text).sorted().map { "trusted \($0)" }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Reads the text of a key file: lines of `public`, `secret` and any number of `trusted`, each with a key.
  public init(fileText: String) throws(PeerFailure) {
    var (publicKey, secretKey): (PeerKey?, PeerKey?) = (nil, nil)
    var trusted: Set<PeerKey> = []
    for (index, line) in fileText.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      if line.isEmpty { continue }
      let words = line.split(separator: " ")
      guard words.count == 2, let key = PeerKey(String(words[1])) else {
        throw PeerFailure(code: .keys, message: "line \(index + 1) of the key file is no name and key")
      }
      switch words[0] {
      case "public" where publicKey == nil: publicKey = key
      case "secret" where secretKey == nil: secretKey = key
      case "trusted": trusted.insert(key)
      default: throw PeerFailure(code: .keys, message: "line \(index + 1) of the key file: '\(words[0])'")
      }
    }
    guard let publicKey, let secretKey, !trusted.isEmpty else {
      throw PeerFailure(code: .keys, message: "the key file needs public, secret and at least one trusted key")
    }
    var derived = [CChar](repeating: 0, count: PeerKey.textBytes + 1)
    guard zmq_curve_public(&derived, secretKey.text) == 0,
      derived.prefix(PeerKey.textBytes).map(UInt8.init(bitPattern:)) == Array(publicKey.text.utf8)
    else { throw PeerFailure(code: .keys, message: "the key file's public key does not belong to its secret") }
    self.init(publicKey: publicKey, secretKey: secretKey, trusted: trusted)
  }

  private init(publicKey: PeerKey, secretKey: PeerKey, trusted: Set<PeerKey>) {
    self.publicKey = publicKey
    self.secretKey = secretKey
    self.trusted = trusted
  }

  /// Reads a key file, which must be a file that others cannot read and only its owner can write.
  public init(path: String) throws(PeerFailure) {
    func refuse(_ why: String) -> PeerFailure { PeerFailure(code: .keys, message: "key file \(path): \(why)") }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw refuse(String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw refuse("not a file") }
    guard status.st_mode & 0o027 == 0 else {
      throw refuse("others can read it, or its group can write it: chmod 600 \(path)")
    }
    guard status.st_uid == geteuid() || status.st_uid == 0 else { throw refuse("it belongs to somebody else") }
    guard (1...Self.fileBytesMax).contains(Int(status.st_size)) else { throw refuse("empty or too long") }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    let count = read(descriptor, &bytes, bytes.count)
    guard count > 0 else { throw refuse("cannot be read") }
    try self.init(fileText: String(decoding: bytes.prefix(count), as: UTF8.self))
  }

  /// Writes a new key file, mode 600; never over one that is there.
  public func write(to path: String) throws(PeerFailure) {
    func refuse(_ why: String) -> PeerFailure { PeerFailure(code: .keys, message: "key file \(path): \(why)") }
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw refuse(String(cString: strerror(errno))) }
    defer { close(descriptor) }
    let bytes = Array(fileText.utf8)
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
      let message = String(cString: strerror(errno))
      unlink(path)
      throw refuse(message)
    }
  }
}
