import Glibc

/// What tells one of Kassa's databases from any other SQLite file, and how it is made.
public struct DatabaseFile: Sendable {
  /// The file's name in the data folder.
  public let name: String
  /// `PRAGMA application_id`.
  public let applicationID: Int32
  /// `PRAGMA user_version`.
  public let version: Int32
  /// Bytes, a power of two.
  public let pageBytes: Int
  /// The statements that make the tables.
  public let schema: [String]

  public init(name: String, applicationID: Int32, version: Int32, pageBytes: Int, schema: [String]) {
    self.name = name
    self.applicationID = applicationID
    self.version = version
    self.pageBytes = pageBytes
    self.schema = schema
  }

  /// Makes the file, empty and durable. What stood under its name is removed.
  /// - Throws: `DatabaseError`.
  func create(in folder: String) throws(DatabaseError) {
    let path = "\(folder)/\(name)"
    for suffix in ["", "-wal", "-shm", "-journal"] { unlink(path + suffix) }
    let database = try Database(path: path, mode: .create)
    try database.execute("PRAGMA page_size = \(pageBytes)")
    try database.execute("PRAGMA journal_mode = WAL")
    try database.execute("PRAGMA synchronous = FULL")
    try database.execute("BEGIN IMMEDIATE")
    for statement in schema { try database.execute(statement) }
    try database.execute("PRAGMA application_id = \(applicationID)")
    try database.execute("PRAGMA user_version = \(version)")
    try database.execute("COMMIT")
    chmod(path, 0o600)
  }

  /// Opens the file, after a look at whose it is.
  /// - Throws: `DatabaseError`, damaged for a file that is not this program's.
  public func open(in folder: String, mode: Database.Mode) throws(DatabaseError) -> Database {
    let path = "\(folder)/\(name)"
    let database = try Database(path: path, mode: mode)
    let found = try database.integer("PRAGMA application_id") ?? 0
    guard found == Int64(applicationID) else {
      throw .damaged(
        "\(path): is not Kassa's \(name) (application id \(found)); move it away or name another data folder")
    }
    let foundVersion = try database.integer("PRAGMA user_version") ?? 0
    guard foundVersion == Int64(version) else {
      throw .damaged(
        "\(path): has version \(foundVersion) and this program reads and writes version \(version); "
          + "use the program that wrote it")
    }
    if mode != .readOnly { try database.execute("PRAGMA synchronous = FULL") }
    return database
  }
}
