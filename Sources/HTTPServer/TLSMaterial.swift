/// A certificate chain and its private key, each in PEM.
public struct TLSMaterial: Sendable {
  public let certificate: [UInt8]
  public let key: [UInt8]

  /// TLS 1.2 and 1.3, the server's order of ciphers.
  static let priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:%SERVER_PRECEDENCE"

  /// - Parameters:
  ///   - certificate: the server's certificate, then those that vouch for it.
  ///   - key: its private key, without a password.
  public init(certificate: [UInt8], key: [UInt8]) {
    self.certificate = certificate
    self.key = key
  }
}
