import Callers
import Synchronization
import Telemetry

/// What lanes know about callers: values, from which each lane makes its own gate.
struct KnownCallers: Sendable {
  var keys: CallerTable
  /// nil: no tokens are accepted.
  var tokens: TokenAuthority?

  func gate() -> CallerGate { CallerGate(keys, tokens: tokens) }
  func replace(in gate: CallerGate) { gate.replace(keys, tokens: tokens) }
}

/// The API keys of a server and the keys of its tokens, which can be reloaded while it serves.
final class CallerSource: Sendable {
  private let keysFile: String?
  private let defaultRate: CallerRate?
  private let tokenFile: TokenKeyFile?
  private let newest: Mutex<KnownCallers>
  /// Ignored at the start, before there was a log to report it to.
  private let ignored: [TokenKeySet.Ignored]

  /// nil if everybody may do everything.
  /// - Throws: `KeyFileFailure`.
  init?(_ options: ServingOptions) throws {
    guard options.apiKeysFile != nil || options.tokens != nil else { return nil }
    var known = KnownCallers(keys: CallerTable(.none, defaultRate: nil), tokens: nil)
    if let path = options.apiKeysFile {
      known.keys = CallerTable(try KeyFileAccess.keys(path), defaultRate: options.callerRate)
    }
    let tokenFile = options.tokens.map(TokenKeyFile.init)
    let set = try tokenFile?.read()
    if let tokenFile, let set { known.tokens = tokenFile.authority(set) }
    keysFile = options.apiKeysFile
    defaultRate = options.callerRate
    self.tokenFile = tokenFile
    ignored = set?.ignored ?? []
    newest = Mutex(known)
  }

  var known: KnownCallers { newest.withLock { $0 } }

  /// Reports which keys were ignored at the start.
  func reportIgnoredKeys(_ journal: Log) { Self.report(ignored, journal) }

  /// Each reloads a file, and logs the outcome. It returns why the file cannot be used; then nothing changes.
  var readings: [(name: StaticString, read: @Sendable (Log) -> String?)] {
    var readings: [(name: StaticString, read: @Sendable (Log) -> String?)] = []
    if let keysFile { readings.append(("api-keys", { self.readKeys(keysFile, $0) })) }
    if let tokenFile { readings.append(("jwt-keys", { self.readTokenKeys(tokenFile, $0) })) }
    return readings
  }

  private func readKeys(_ path: String, _ journal: Log) -> String? {
    do throws(KeyFileFailure) {
      let file = try KeyFileAccess.keys(path)
      newest.withLock { $0.keys = CallerTable(file, defaultRate: defaultRate, continuing: $0.keys) }
      journal.info("API keys reloaded", ["keys": LogValue(file.keys.count)])
      return nil
    } catch {
      journal.error(
        "API keys could not be reloaded: the old ones stay in force", ["reason": LogValue(error.description)])
      return error.description
    }
  }

  private func readTokenKeys(_ file: TokenKeyFile, _ journal: Log) -> String? {
    do throws(KeyFileFailure) {
      let set = try file.read()
      newest.withLock { $0.tokens = file.authority(set) }
      journal.info("token keys reloaded", ["keys": LogValue(set.keys.count)])
      Self.report(set.ignored, journal)
      return nil
    } catch {
      journal.error(
        "token keys could not be reloaded: the old ones stay in force", ["reason": LogValue(error.description)])
      return error.description
    }
  }

  /// A line for each, of at most `TokenKeySet.keysMax`.
  private static func report(_ ignored: [TokenKeySet.Ignored], _ journal: Log) {
    for key in ignored {
      journal.warning(
        "ignoring a key of jwt-keys", ["kid": LogValue(key.id ?? ""), "reason": LogValue(key.reason)])
    }
  }
}
