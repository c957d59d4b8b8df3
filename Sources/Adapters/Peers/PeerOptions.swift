/// Who a pod is among its peers, and where it listens.
public struct PeerOptions: Sendable {
  /// The same for all pods of a cluster, and for no other's.
  public var cluster: String
  public var identity: PeerIdentity
  /// A numeric address, or `*` for all.
  public var host: String
  /// 0 takes a free one.
  public var port: UInt16
  /// May be nil on loopback only: then connections are plain TCP.
  public var certificates: PeerCertificates?
  public var limits = PeerLimits()
  /// Called on the mesh's lane when the certificate files have changed but cannot be used, with what is wrong; once
  /// for each such change.
  public var onFailedReload: @Sendable (String) -> Void = { _ in }

  public init(cluster: String, identity: PeerIdentity, host: String, port: UInt16, certificates: PeerCertificates?) {
    self.cluster = cluster
    self.identity = identity
    self.host = host
    self.port = port
    self.certificates = certificates
  }

  func check() throws(PeerFailure) {
    if let complaint = limits.complaints.first { throw PeerFailure(code: .options, message: complaint) }
    guard (1...Packet.clusterBytesMax).contains(cluster.utf8.count), identity.isValid else {
      throw PeerFailure(
        code: .options,
        message: "a cluster needs a name of 1 to \(Packet.clusterBytesMax) bytes, a pod one of 1 to "
          + "\(PeerIdentity.nameBytesMax)")
    }
    guard certificates != nil || PeerAddress.isLoopback(host) else {
      throw PeerFailure(
        code: .certificatesRequired, message: "listening at \(host) needs certificates: kassa keys creates them")
    }
  }
}
