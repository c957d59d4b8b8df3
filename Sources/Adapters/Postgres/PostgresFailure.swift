import Ports

/// What went wrong between this process and its server, before it is attributed to a request.
enum PostgresFailure: Error, Hashable {
  /// The connection is gone, or could not be made: the outcome of what was under way is unknown.
  case lost(String)
  /// The server refused a statement; its transaction was rolled back.
  case refused(state: String, message: String)
  /// The database belongs to another Kassa, or a newer version.
  case foreign(String)

  var message: String {
    switch self {
    case .lost(let message), .foreign(let message): message
    case .refused(let state, let message): "\(message) (SQLSTATE \(state))"
    }
  }

  /// For the owner whose request failed.
  /// - Parameters:
  ///   - code: what was attempted.
  ///   - name: the server's and database's name.
  func storeFailure(_ code: StoreFailure.Code, at name: String) -> StoreFailure {
    switch self {
    case .foreign: StoreFailure(.format, "\(name): \(message)")
    case .lost, .refused: StoreFailure(isDamage ? .format : code, "\(name): \(message)")
    }
  }

  /// Data or index corrupted; a number out of range; bytes that are not text.
  private var isDamage: Bool {
    guard case .refused(let state, _) = self else { return false }
    return ["XX001", "XX002", "22003"].contains(state)
  }

  /// Whether only an operator can fix it: waiting does not help.
  var isPermanent: Bool {
    switch self {
    case .foreign: true
    case .refused(let state, _): state.hasPrefix("42") || state.hasPrefix("3F")
    case .lost: false
    }
  }

  /// Whether the connection, though not lost, is useless: the server is shutting down, has become a standby, or has
  /// lost the prepared statements.
  var endsConnection: Bool {
    guard case .refused(let state, _) = self else { return false }
    return state.hasPrefix("57P") || state.hasPrefix("08") || ["25006", "26000", "0A000"].contains(state)
  }
}
