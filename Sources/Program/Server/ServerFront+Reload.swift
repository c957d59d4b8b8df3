import HTTPServer
import Telemetry

extension ServerFront {
  /// Tells what the start has found in the files of those who may call.
  func tellCallers(_ journal: Log) { callers?.tell(journal) }

  /// Reads the API keys, the keys of tokens, and the certificate with its key again, for all requests and connections
  /// from shortly after. A file that cannot be used changes nothing, and is reported.
  public func reload(_ journal: Log) {
    if let callers { replaceCallers(callers.read(journal)) }
    if let tlsFiles { reload(tlsFiles, journal) }
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
