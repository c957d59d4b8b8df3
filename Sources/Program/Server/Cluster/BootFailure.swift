import Peers

/// Why a pod cannot start: the setting at fault, and what is wrong, with the server's name if there is one.
public struct BootFailure: Error, Hashable, CustomStringConvertible {
  /// Such as `kafka-brokers`.
  public let setting: String
  /// A sentence; several lines if several things are wrong.
  public let message: String

  public init(_ setting: String, _ message: String) {
    self.setting = setting
    self.message = message
  }

  public var description: String { "\(setting): \(message)" }
}

extension BootFailure {
  /// Runs something for a setting; what it throws is reported under that setting.
  static func naming<Value>(_ setting: String, _ body: () throws -> Value) throws(BootFailure) -> Value {
    do {
      return try body()
    } catch {
      // A mesh's own descriptions begin with the setting.
      throw BootFailure(setting, (error as? PeerFailure)?.message ?? "\(error)")
    }
  }
}
