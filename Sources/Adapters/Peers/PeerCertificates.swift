import Glibc

/// Where a pod's certificate, its key and the authorities' certificates are: PEM files, as cert-manager writes
/// `tls.crt`, `tls.key` and `ca.crt`, and as `kassa keys` makes them.
public struct PeerCertificates: Hashable, Sendable {
  public static let fileBytesMax = 1 << 20

  public let certificatePath: String
  public let keyPath: String
  public let authoritiesPath: String

  public init(certificate: String, key: String, authorities: String) {
    certificatePath = certificate
    keyPath = key
    authoritiesPath = authorities
  }

  struct Texts {
    var certificate: [UInt8]
    var key: [UInt8]
    var authorities: [UInt8]
  }

  /// Reads the three files, and checks that they fit each other.
  ///
  /// - Throws: `PeerFailure`, which names the file.
  public func check() throws(PeerFailure) { _ = try TLSCredentials(texts()) }

  func texts() throws(PeerFailure) -> Texts {
    Texts(
      certificate: try Self.read(certificatePath, isSecret: false), key: try Self.read(keyPath, isSecret: true),
      authorities: try Self.read(authoritiesPath, isSecret: false))
  }

  /// Changes with the files; nil if one is missing.
  var stamp: [FileStamp]? {
    var stamps: [FileStamp] = []
    for path in [certificatePath, keyPath, authoritiesPath] {
      var status = stat()
      guard stat(path, &status) == 0 else { return nil }
      stamps.append(FileStamp(status))
    }
    return stamps
  }

  struct FileStamp: Hashable {
    let file: UInt64
    let size: Int64
    let seconds: Int
    let nanoseconds: Int

    init(_ status: stat) {
      file = UInt64(status.st_ino)
      size = Int64(status.st_size)
      seconds = status.st_mtim.tv_sec
      nanoseconds = status.st_mtim.tv_nsec
    }
  }

  static func read(_ path: String, isSecret: Bool) throws(PeerFailure) -> [UInt8] {
    func refuse(_ why: String) -> PeerFailure { PeerFailure(code: .certificates, message: "\(path): \(why)") }
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw refuse(String(cString: strerror(errno))) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { throw refuse("not a file") }
    if isSecret {
      // Kubernetes mounts a Secret with a readable group for a pod with `fsGroup`.
      guard status.st_mode & 0o027 == 0 else {
        throw refuse("others can read this key, or its group can write it: chmod 600 \(path)")
      }
      guard status.st_uid == geteuid() || status.st_uid == 0 else {
        throw refuse("this key belongs to another user: chown it to the user Kassa runs as")
      }
    }
    guard (1...fileBytesMax).contains(Int(status.st_size)) else {
      throw refuse("empty, or longer than \(fileBytesMax) bytes")
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    var count = 0
    while count < bytes.count {
      let more = bytes.withUnsafeMutableBytes {
        Glibc.read(descriptor, $0.baseAddress?.advanced(by: count), $0.count - count)
      }
      guard more > 0 else { throw refuse("cannot be read completely") }
      count += more
    }
    return bytes
  }
}

/// The credentials for new connections: read again when the files have changed. Lane-confined.
///
/// Files that do not fit each other change nothing: the last ones that did stay in use. They may be in the middle of
/// a replacement, so a failure is reported only when two looks in a row find the same.
final class CertificateStore {
  private let certificates: PeerCertificates
  private let lookMilliseconds: UInt64
  private var stamp: [PeerCertificates.FileStamp]?
  private var lookedAt: UInt64
  private var credentials: TLSCredentials
  /// Files that could not be used at the last look.
  private var failed: Failed?
  private let onFailure: (PeerFailure) -> Void

  private struct Failed {
    /// nil if one of the files is missing.
    let stamp: [PeerCertificates.FileStamp]?
    var isReported = false
  }

  /// - Parameter onFailure: called once for each change of the files that makes them unusable.
  init(
    _ certificates: PeerCertificates, lookMilliseconds: UInt64, at now: UInt64,
    onFailure: @escaping (PeerFailure) -> Void
  ) throws(PeerFailure) {
    self.certificates = certificates
    self.lookMilliseconds = lookMilliseconds
    self.onFailure = onFailure
    lookedAt = now
    stamp = certificates.stamp
    credentials = try TLSCredentials(certificates.texts())
  }

  func current(at now: UInt64) -> TLSCredentials {
    look(at: now)
    return credentials
  }

  /// Reads the files again when they have changed and the last look was long enough ago.
  func look(at now: UInt64) {
    guard now &- lookedAt >= lookMilliseconds else { return }
    lookedAt = now
    let seen = certificates.stamp
    guard seen != stamp else {
      failed = nil
      return
    }
    do throws(PeerFailure) {
      credentials = try TLSCredentials(certificates.texts())
      stamp = seen
      failed = nil
    } catch {
      noteFailure(error, seen)
    }
  }

  private func noteFailure(_ failure: PeerFailure, _ seen: [PeerCertificates.FileStamp]?) {
    guard let last = failed, last.stamp == seen else {
      failed = Failed(stamp: seen)
      return
    }
    guard !last.isReported else { return }
    failed?.isReported = true
    onFailure(failure)
  }
}
