import Callers
import Synchronization

/// The API keys of a server, which can be read again while it serves.
final class CallerSource: Sendable {
  private let path: String
  private let defaultRate: CallerRate?
  private let newest: Mutex<CallerTable>

  /// nil if everybody may do everything.
  /// - Throws: `KeyFileFailure`.
  init?(_ options: ServingOptions) throws {
    guard let path = options.apiKeysFile else { return nil }
    self.path = path
    defaultRate = options.callerRate
    newest = Mutex(CallerTable(try KeyFileAccess.keys(path), defaultRate: defaultRate))
  }

  var table: CallerTable { newest.withLock { $0 } }

  /// Reads the file again.
  /// - Throws: `KeyFileFailure`; then the previous keys stay in force.
  func read() throws(KeyFileFailure) -> CallerTable {
    let file = try KeyFileAccess.keys(path)
    return newest.withLock { table in
      table = CallerTable(file, defaultRate: defaultRate, continuing: table)
      return table
    }
  }
}
