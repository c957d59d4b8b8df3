import Callers
import HTTPServer
import OperatorAPI
import Telemetry

extension ServerFront {
  /// Reads the API keys and the certificate with its key again, for all requests and connections from shortly after. A
  /// file that cannot be used changes nothing, and is reported. Blocking.
  @discardableResult
  public func reload(_ journal: Log) -> ReloadReport { reloads.run(journal) }

  /// What a server with these settings reads again.
  func prepareReloads() {
    if let callers {
      reloads.add(Reload("api-keys") { [weak self] journal in self?.reload(callers, journal) })
    }
    if let tlsFiles {
      reloads.add(Reload("tls-certificate") { [weak self] journal in self?.reload(tlsFiles, journal) })
    }
  }

  private func reload(_ callers: CallerSource, _ journal: Log) -> String? {
    do throws(KeyFileFailure) {
      let table = try callers.read()
      replaceCallers(table)
      journal.info("API keys read again", ["keys": LogValue(table.count)])
      return nil
    } catch {
      journal.error("API keys not read again: those of before stay in force", ["reason": LogValue(error.description)])
      return error.description
    }
  }

  private func reload(_ files: TLSFiles, _ journal: Log) -> String? {
    do {
      renew(try TLSCertificate(try files.read()))
      journal.info("certificate read again: new connections use it")
      return nil
    } catch {
      journal.error("certificate not read again: that of before stays in force", ["reason": LogValue("\(error)")])
      return "\(error)"
    }
  }
}
