import Callers
import HTTPServer
import Telemetry

extension ServerFront {
  /// Reads the API keys and the certificate with its key again, for all requests and connections from shortly after. A
  /// file that cannot be used changes nothing, and is reported.
  public func reload(_ journal: Log) {
    if let callers { reload(callers, journal) }
    if let tlsFiles { reload(tlsFiles, journal) }
  }

  private func reload(_ callers: CallerSource, _ journal: Log) {
    do throws(KeyFileFailure) {
      let table = try callers.read()
      replaceCallers(table)
      journal.info("API keys read again", ["keys": LogValue(table.count)])
    } catch {
      journal.error("API keys not read again: those of before stay in force", ["reason": LogValue(error.description)])
    }
  }

  private func reload(_ files: TLSFiles, _ journal: Log) {
    do {
      renew(try TLSCertificate(try files.read()))
      journal.info("certificate read again: new connections use it")
    } catch {
      journal.error("certificate not read again: that of before stays in force", ["reason": LogValue("\(error)")])
    }
  }
}
