/// A certificate chain and its private key, each in PEM.
public struct TLSMaterial: Sendable {
  public let certificate: [UInt8]
  public let key: [UInt8]

  /// TLS 1.2 and 1.3, with the server's cipher order; only suites with forward secrecy that authenticate what they
  /// encrypt.
  static let priorities =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-AES-128-CBC:-AES-256-CBC:%SERVER_PRECEDENCE"

  /// - Parameters:
  ///   - certificate: the server's certificate, followed by its issuers'.
  ///   - key: its private key, without a password.
  public init(certificate: [UInt8], key: [UInt8]) {
    self.certificate = certificate
    self.key = key
  }
}
