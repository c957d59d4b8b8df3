import HTTPServer
import OperatorAPI
import Telemetry

extension ServerFront {
  /// Reports which keys in the callers' files were ignored at the start.
  func reportIgnoredKeys(_ journal: Log) { callers?.reportIgnoredKeys(journal) }

  /// Reloads the API keys, the keys of tokens, and the certificate with its key, for all requests and connections from
  /// shortly after. A file that cannot be used changes nothing, and is reported. Blocking.
  @discardableResult
  public func reload(_ journal: Log) -> ReloadReport { reloads.run(journal) }

  /// What a server with these settings reloads.
  func prepareReloads() {
    if let callers {
      for (name, read) in callers.readings {
        reloads.add(
          Reload(name) { [weak self] journal in
            let failure = read(journal)
            self?.replaceCallers(callers.known)
            return failure
          })
      }
    }
    if let tlsFiles {
      reloads.add(Reload("tls-certificate") { [weak self] journal in self?.reload(tlsFiles, journal) })
    }
  }

  private func reload(_ files: TLSFiles, _ journal: Log) -> String? {
    do {
      renew(try TLSCertificate(try files.read()))
      journal.info("certificate reloaded: new connections use it")
      return nil
    } catch {
      journal.error("certificate could not be reloaded: the old one stays in force", ["reason": LogValue("\(error)")])
      return "\(error)"
    }
  }
}
