import Callers
import Glibc

/// Reads and writes the file of API keys.
package enum KeyFileAccess {
  /// The keys of a file.
  /// - Throws: `KeyFileFailure` if it cannot be read, others may change or read it, or a line is wrong.
  package static func keys(_ path: String) throws(KeyFileFailure) -> KeyFile {
    guard let text = try text(path) else { throw KeyFileFailure(path, String(cString: strerror(ENOENT))) }
    return try keys(text, path)
  }

  private static func keys(_ text: String, _ path: String) throws(KeyFileFailure) -> KeyFile {
    do throws(KeyFile.Failure) {
      return try KeyFile(text)
    } catch {
      throw KeyFileFailure(path, error.description)
    }
  }

  /// Adds a key with a new secret, and creates the file if there is none.
  /// - Returns: what the caller presents, `ID.SECRET`: it is stored nowhere.
  /// - Throws: `KeyFileFailure`; then the file is unchanged.
  package static func add(
    _ id: CallerID, scopes: CallerScopes, rate: KeyFile.Rate, to path: String,
    using generator: inout some RandomNumberGenerator
  ) throws(KeyFileFailure) -> String {
    let lock = try Lock(path)
    defer { lock.release() }
    let text = try text(path) ?? ""
    let file = try keys(text, path)
    guard !file.keys.contains(where: { $0.id == id }) else {
      throw KeyFileFailure(path, "key \(id) already exists; revoke it, or choose another id")
    }
    guard file.keys.count < KeyFile.keysMax else {
      throw KeyFileFailure(path, "it has \(KeyFile.keysMax) keys, the maximum; revoke unused ones")
    }
    let secret = secret(using: &generator)
    let key = KeyFile.Key(id: id, digest: SHA256Digest(of: secret.utf8), scopes: scopes, rate: rate)
    try write(KeyFile.adding(key, to: text), to: path)
    return "\(id).\(secret)"
  }

  /// Removes a key.
  /// - Throws: `KeyFileFailure`, also if no key has this id. Then the file is unchanged.
  package static func revoke(_ id: CallerID, in path: String) throws(KeyFileFailure) {
    let lock = try Lock(path)
    defer { lock.release() }
    guard let text = try text(path) else { throw KeyFileFailure(path, String(cString: strerror(ENOENT))) }
    _ = try keys(text, path)
    guard let shorter = KeyFile.removing(id, from: text) else {
      throw KeyFileFailure(path, "there is no key \(id); `kassa api-keys list` shows all")
    }
    try write(shorter, to: path)
  }

  /// 256 random bits in base64url: 43 characters.
  static func secret(using generator: inout some RandomNumberGenerator) -> String {
    let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    // Six bits per character; the last one holds the remaining four.
    var bits = (0..<4).map { _ in generator.next() as UInt64 }
    return String(
      decoding: (0..<43).map { _ -> UInt8 in
        let character = alphabet.utf8Start[Int(bits[0] & 63)]
        for place in 0..<4 { bits[place] = bits[place] >> 6 | (place < 3 ? bits[place + 1] << 58 : 0) }
        return character
      }, as: UTF8.self)
  }

  // MARK: Files

  /// The text of a file that only its owner can change; nil if there is none.
  private static func text(_ path: String) throws(KeyFileFailure) -> String? {
    guard let bytes = try GuardedFile.bytes(path, .secret, bytesMax: KeyFile.bytesMax) else { return nil }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw KeyFileFailure(path, "not UTF-8") }
    return text
  }

  /// Writes a second file and renames it: a server reading at the same time sees the old or the new one.
  private static func write(_ text: String, to path: String) throws(KeyFileFailure) {
    let beside = "\(path).new"
    unlink(beside)
    let descriptor = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw KeyFileFailure(beside, String(cString: strerror(errno))) }
    var bytes = Array(text.utf8)[...]
    var isWritten = true
    while !bytes.isEmpty, isWritten {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      isWritten = count > 0
      bytes = bytes.dropFirst(max(0, count))
    }
    isWritten = isWritten && fsync(descriptor) == 0
    let reason = errno
    close(descriptor)
    guard isWritten, rename(beside, path) == 0 else {
      let why = isWritten ? errno : reason
      unlink(beside)
      throw KeyFileFailure(path, String(cString: strerror(why)))
    }
    // The name must also be on disk when this returns.
    let folder = open(parent(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if folder >= 0 {
      fsync(folder)
      close(folder)
    }
  }

  private static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// Keeps two commands from overwriting each other's changes.
  private struct Lock {
    private let descriptor: Int32

    init(_ path: String) throws(KeyFileFailure) {
      descriptor = open("\(path).lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
      guard descriptor >= 0 else { throw KeyFileFailure("\(path).lock", String(cString: strerror(errno))) }
      guard flock(descriptor, LOCK_EX) == 0 else {
        let reason = errno
        close(descriptor)
        throw KeyFileFailure("\(path).lock", String(cString: strerror(reason)))
      }
    }

    func release() { close(descriptor) }
  }
}
