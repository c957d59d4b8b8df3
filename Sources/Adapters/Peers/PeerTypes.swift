/// One run of one pod: a pod that starts again has the same name and a higher incarnation.
public struct PeerIdentity: Hashable, Sendable, CustomStringConvertible {
  public static let nameBytesMax = 128

  public let name: String
  public let incarnation: UInt64

  public init(name: String, incarnation: UInt64) {
    self.name = name
    self.incarnation = incarnation
  }

  public var description: String { "\(name)#\(incarnation)" }
  var isValid: Bool { (1...Self.nameBytesMax).contains(name.utf8.count) }
}

/// Where another pod is.
public struct PeerAddress: Hashable, Sendable, CustomStringConvertible {
  public let name: String
  /// A name or a numeric address; IPv6 without brackets.
  public let host: String
  public let port: UInt16

  public init(name: String, host: String, port: UInt16) {
    self.name = name
    self.host = host
    self.port = port
  }

  public var description: String { "\(name) at \(endpoint)" }
  var endpoint: String { Self.endpoint(host, port) }
  var isLoopback: Bool { Self.isLoopback(host) }

  static func endpoint(_ host: String, _ port: UInt16) -> String {
    host.contains(":") ? "tcp://[\(host)]:\(port)" : "tcp://\(host):\(port)"
  }

  static func isLoopback(_ host: String) -> Bool {
    if host == "localhost" || host == "::1" { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil }
  }
}

/// What arrived from another pod.
public struct PeerFrame: Sendable {
  public let sender: PeerIdentity
  /// What the bytes are; the sender's and the reader's business.
  public let kind: UInt8
  public let bytes: [UInt8]
  let credit: StreamCredit
}

/// The result of `send` for a frame.
public enum SendResult: Hashable, Sendable {
  /// It is numbered and kept until the peer acknowledges it.
  case accepted
  /// Too much already waits for the peer. Try later, or answer the client 503.
  case full
  /// Longer than `frameBytesMax`.
  case tooLarge
  /// No such peer is known.
  case unknownPeer
}

/// The state of a peer.
public enum PeerState: Hashable, Sendable {
  /// Not introduced yet. Can transition to connected, refused.
  case connecting
  /// Frames flow. Can transition to silent, refused.
  case connected
  /// Nothing heard for `silentMilliseconds`: frames wait while it is dialled. Can transition to connected, refused.
  case silent
  /// The peer does not take this pod's frames; it is asked again every `redialMillisecondsMax`.
  case refused(LinkRefusal)
}

/// Why a pod does not take another's frames.
public enum LinkRefusal: UInt8, Hashable, Sendable, CaseIterable {
  /// It belongs to another cluster.
  case otherCluster = 1
  /// It speaks another version of this protocol.
  case otherVersion = 2
  /// Another pod than the intended one is at that address.
  case otherPod = 3
  /// A newer pod of the same name exists: this one is older and should end.
  case replaced = 4
  /// It knows as many pods as allowed.
  case tooMany = 5
  /// It is this very run: an address leads back to the pod itself.
  case itself = 6
}

/// What waits for a peer, and its state.
public struct PeerStatus: Hashable, Sendable {
  public let name: String
  public let state: PeerState
  public let queuedFrames: Int
  public let queuedBytes: Int
}

/// Why there is no mesh, or why it does not take an address.
public struct PeerFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Code: Hashable, Sendable {
    case options, certificates, certificatesRequired, address, system
  }

  public let code: Code
  public let message: String
  public var description: String { "peers: \(message)" }
}
