import CallerFiles
import Callers
import Settings
import Synchronization
import Telemetry

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

extension ServerFront {
  /// Reads the API keys again, for all requests from shortly after. A file that cannot be read changes nothing, and
  /// is reported.
  public func reload(_ journal: Log) {
    guard let callers else {
      journal.info("told to read again; there are no api-keys to read")
      return
    }
    do throws(KeyFileFailure) {
      let table = try callers.read()
      replaceCallers(table)
      journal.info("API keys read again", ["keys": LogValue(table.count)])
    } catch {
      journal.error("API keys not read again: those of before stay in force", ["reason": LogValue(error.description)])
    }
  }
}
