import CGnuTLS
import Glibc

/// Makes a small private authority, and pods' certificates, for those who have no other: keys on P-256.
public enum CertificateMaker {
  /// How long an authority is valid; never shorter than a certificate that it signs.
  public static let authorityDays = 3_650

  /// The names of the files in the folder that `kassa keys` writes.
  public enum FileName {
    public static let authorities = "authorities.pem"
    public static let authorityKey = "authority.key"
    public static let certificate = "pod.pem"
    public static let key = "pod.key"
  }

  /// Writes a certificate for pods with its key and the authorities' certificates into a folder, created if needed.
  ///
  /// - Parameters:
  ///   - folder: gets `pod.pem`, `pod.key` and `authorities.pem`; and `authority.key` if the authority is new.
  ///   - authority: a folder with an existing authority; nil makes a new one.
  ///   - days: how long the certificate is valid from now, 1…36,500; no longer than an existing authority.
  /// - Returns: the paths that were written.
  /// - Throws: `PeerFailure`: the certificate would outlive its authority; a file already exists, which is never
  ///   overwritten, or cannot be written or read.
  public static func write(to folder: String, authority: String? = nil, days: Int) throws(PeerFailure) -> [String] {
    try write(to: folder, authority: authority, days: days, from: time(nil))
  }

  /// - Parameter now: seconds since 1970.
  static func write(
    to folder: String, authority: String?, days: Int, from now: time_t
  ) throws(PeerFailure) -> [String] {
    guard (1...36_500).contains(days) else {
      throw PeerFailure(code: .certificates, message: "a certificate is valid for 1 to 36500 days, not \(days)")
    }
    let files = try files(authority: authority, from: now, days: days)
    guard mkdir(folder, 0o755) == 0 || errno == EEXIST else { throw refuse(folder, String(cString: strerror(errno))) }
    let paths = files.map { "\(folder)/\($0.name)" }
    // All of them or none, unless a disk fails in between.
    for path in paths where access(path, F_OK) == 0 {
      throw refuse(path, "it already exists and is never overwritten; choose another folder")
    }
    for (path, file) in zip(paths, files) { try write(file.text, to: path, mode: file.mode) }
    return paths
  }

  private struct File {
    let name: String
    let text: [UInt8]
    let mode: mode_t
  }

  private static func files(authority: String?, from now: time_t, days: Int) throws(PeerFailure) -> [File] {
    var files: [File] = []
    let issuer: (certificate: X509Certificate, key: X509Key)
    if let authority {
      let certificatePath = "\(authority)/\(FileName.authorities)"
      issuer.certificate = try X509Certificate(pem: PeerCertificates.read(certificatePath, isSecret: false))
      issuer.key = try X509Key(
        pem: PeerCertificates.read("\(authority)/\(FileName.authorityKey)", isSecret: true))
      try check(days, from: now, endsBefore: issuer.certificate, certificatePath)
    } else {
      issuer.key = try X509Key.make()
      issuer.certificate = try X509Certificate.make(
        "Kassa authority", issuer.key, days: max(authorityDays, days), from: now, isAuthority: true)
      try issuer.certificate.sign(by: issuer.certificate, issuer.key)
      files.append(File(name: FileName.authorityKey, text: try issuer.key.pem(), mode: 0o600))
    }
    let key = try X509Key.make()
    let certificate = try X509Certificate.make("Kassa pod", key, days: days, from: now, isAuthority: false)
    try certificate.sign(by: issuer.certificate, issuer.key)
    let made = [
      File(name: FileName.authorities, text: try issuer.certificate.pem(), mode: 0o644),
      File(name: FileName.certificate, text: try certificate.pem(), mode: 0o644),
      File(name: FileName.key, text: try key.pem(), mode: 0o600),
    ]
    // What does not fit together is found here, not when a pod starts.
    _ = try TLSCredentials(
      PeerCertificates.Texts(certificate: made[1].text, key: made[2].text, authorities: made[0].text))
    return files + made
  }

  /// Nobody accepts a certificate for longer than its authority is valid.
  private static func check(
    _ days: Int, from now: time_t, endsBefore authority: X509Certificate, _ path: String
  ) throws(PeerFailure) {
    let left = (try authority.end() - now) / 86_400
    guard left >= 1 else { throw refuse(path, "this authority is valid for less than a day: make a new one") }
    guard days <= left else {
      throw refuse(path, "this authority is valid for \(left) more days, not \(days): choose --days \(left) or fewer")
    }
  }

  private static func refuse(_ path: String, _ why: String) -> PeerFailure {
    PeerFailure(code: .certificates, message: "\(path): \(why)")
  }

  private static func write(_ bytes: [UInt8], to path: String, mode: mode_t) throws(PeerFailure) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw refuse(path, String(cString: strerror(errno))) }
    defer { close(descriptor) }
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
      let why = String(cString: strerror(errno))
      unlink(path)
      throw refuse(path, why)
    }
  }
}
