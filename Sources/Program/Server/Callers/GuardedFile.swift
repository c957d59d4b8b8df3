import Glibc

/// Why a file of keys could not be read or written: a sentence with its path and what to do.
package struct KeyFileFailure: Error, Hashable, CustomStringConvertible {
  package let description: String
  init(_ path: String, _ reason: String) { description = "\(path): \(reason)" }
}

/// Reads files that decide who may do what; nobody but their owner may be able to change them.
package enum GuardedFile {
  package enum Kind: Sendable {
    /// Others may not read it either.
    case secret
    case `public`
  }

  /// Why others could have changed a file, or could read a secret one; nil if they cannot.
  package static func flaw(_ status: stat, _ path: String, _ kind: Kind) -> String? {
    switch kind {
    // Kubernetes mounts a Secret readable by the group for a pod with `fsGroup`.
    case .secret where status.st_mode & 0o027 != 0:
      return "others can read it, or its group can write it: chmod 600 \(path)"
    case .public where status.st_mode & 0o022 != 0:
      return "users other than its owner can write it: chmod 644 \(path)"
    default: break
    }
    guard status.st_uid == geteuid() || status.st_uid == 0 else {
      return "it belongs to another user: chown it to the user Kassa runs as"
    }
    return nil
  }

  /// A file's bytes.
  /// - Throws: `KeyFileFailure` if it cannot be read, has a flaw, or is too long.
  static func present(_ path: String, _ kind: Kind, bytesMax: Int) throws(KeyFileFailure) -> [UInt8] {
    guard let bytes = try bytes(path, kind, bytesMax: bytesMax) else {
      throw KeyFileFailure(path, String(cString: strerror(ENOENT)))
    }
    return bytes
  }

  /// A file's bytes; nil if there is none.
  /// - Throws: `KeyFileFailure` if it cannot be read, has a flaw, or is too long.
  static func bytes(_ path: String, _ kind: Kind, bytesMax: Int) throws(KeyFileFailure) -> [UInt8]? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      if errno == ENOENT { return nil }
      throw KeyFileFailure(path, String(cString: strerror(errno)))
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw KeyFileFailure(path, "not a file")
    }
    if let flaw = flaw(status, path, kind) { throw KeyFileFailure(path, flaw) }
    guard status.st_size <= bytesMax else { throw KeyFileFailure(path, "longer than \(bytesMax) bytes") }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count <= bytesMax {
      let count = read(descriptor, &chunk, chunk.count)
      guard count >= 0 else { throw KeyFileFailure(path, String(cString: strerror(errno))) }
      if count == 0 { return bytes }
      bytes += chunk.prefix(count)
    }
    throw KeyFileFailure(path, "longer than \(bytesMax) bytes")
  }
}
