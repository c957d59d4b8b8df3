import CPostgres
import Glibc
import Ports

/// Where the server is and how to log in, in libpq's own format: `host=… dbname=… sslmode=…`, or `postgresql://…`.
///
/// libpq takes what is missing from the environment (`PGHOST`, …), from a service file (`service=…`) and from the
/// password file. Messages only show the names of hosts and database.
struct ConnectionString: Sendable {
  private let given: [(keyword: String, value: String)]

  /// - Throws: `StoreFailure` if libpq cannot parse it. The message does not quote it: libpq's own would, perhaps with
  ///   a password.
  init(_ text: String) throws(StoreFailure) {
    guard !text.utf8.contains(0) else { throw Self.unreadable }
    var complaint: UnsafeMutablePointer<CChar>?
    let found = PQconninfoParse(text, &complaint)
    PQfreemem(complaint)
    guard let found else { throw Self.unreadable }
    defer { PQconninfoFree(found) }
    var given: [(keyword: String, value: String)] = []
    var option = found
    while let keyword = option.pointee.keyword {
      if let value = option.pointee.val { given.append((String(cString: keyword), String(cString: value))) }
      option += 1
    }
    self.given = given
  }

  private static let unreadable = StoreFailure(
    .read,
    "libpq cannot parse the PostgreSQL connection string: write key=value pairs with spaces "
      + "between them (host=db.example dbname=orders user=kassa), or postgresql://user@host:port/database")

  /// The connection string's own parameters, and Kassa's defaults for the others.
  func parameters(_ options: PostgresOptions) -> [(keyword: String, value: String)] {
    let seconds = String(max(2, (options.connectMillisecondsMax + 999) / 1_000))
    let defaults = [
      ("connect_timeout", seconds), ("keepalives", "1"), ("keepalives_idle", "5"), ("keepalives_interval", "2"),
      ("keepalives_count", "3"), ("tcp_user_timeout", "15000"), ("application_name", "kassa"),
      ("target_session_attrs", "read-write"),
    ]
    let open = defaults.filter { name, _ in !given.contains { $0.keyword == name } }
    // The rows' texts are UTF-8, whatever the environment says.
    return given.filter { $0.keyword != "client_encoding" } + open + [("client_encoding", "UTF8")]
  }

  /// `PostgreSQL HOST/DATABASE`, as far as the string names them.
  var name: String {
    let host = value("host") ?? value("hostaddr") ?? value("service").map { "service \($0)" } ?? "default host"
    let port = value("port").map { ":\($0)" } ?? ""
    return "PostgreSQL \(host)\(port)/\(value("dbname") ?? "default database")"
  }

  private func value(_ keyword: String) -> String? { given.first { $0.keyword == keyword }?.value }

  /// What no message may show.
  var secrets: [String] {
    given.filter { ["password", "sslpassword"].contains($0.keyword) }.map(\.value)
  }

  /// One line of `text` without the secrets.
  static func redacted(_ text: String, _ secrets: [String]) -> String {
    var text = text
    for secret in secrets where !secret.isEmpty { text = text.replacing(secret, with: "***") }
    return text.utf8.split(whereSeparator: { $0 < 0x20 }).map { String(decoding: $0, as: UTF8.self) }
      .joined(separator: " ")
  }
}
