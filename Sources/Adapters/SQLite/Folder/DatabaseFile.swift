import Glibc

/// What distinguishes one of Kassa's databases from other SQLite files, and how to create it.
public struct DatabaseFile: Sendable {
  /// The file's name in the data folder.
  public let name: String
  /// `PRAGMA application_id`.
  public let applicationID: Int32
  /// `PRAGMA user_version`.
  public let version: Int32
  /// Bytes, a power of two.
  public let pageBytes: Int
  /// The statements that create the tables.
  public let schema: [String]
  /// The statements that upgrade a file to the next version, by the version they start from. A version with a complete
  /// path to this one can be opened: for writing it is upgraded first, for reading it is left unchanged.
  public let upgrades: [Int32: [String]]

  public init(
    name: String, applicationID: Int32, version: Int32, pageBytes: Int, schema: [String],
    upgrades: [Int32: [String]] = [:]
  ) {
    self.name = name
    self.applicationID = applicationID
    self.version = version
    self.pageBytes = pageBytes
    self.schema = schema
    self.upgrades = upgrades
  }

  /// Creates the file, empty and durable. Any file of that name is removed.
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

  /// Opens the file after checking that it is Kassa's; for writing, an older version is upgraded.
  /// - Throws: `DatabaseError`, damaged if the file is not this program's.
  public func open(in folder: String, mode: Database.Mode) throws(DatabaseError) -> Database {
    let path = "\(folder)/\(name)"
    let database = try Database(path: path, mode: mode)
    // Whether there is a write-ahead log is for the folder to say, also if the file is refused.
    if mode != .readOnly { database.keepLog(true) }
    let found = try database.integer("PRAGMA application_id") ?? 0
    guard found == Int64(applicationID) else {
      throw .damaged(
        "\(path): is not Kassa's \(name) (application id \(found)); move it away or name another data folder")
    }
    let foundVersion = try check(database)
    if mode != .readOnly {
      try database.execute("PRAGMA synchronous = FULL")
      if foundVersion < version { try upgrade(database) }
    }
    return database
  }

  // MARK: The write-ahead log

  /// Whether the file has a write-ahead log beside it that was ever written to.
  func hasLog(in folder: String) -> Bool {
    var status = stat()
    return stat("\(folder)/\(name)-wal", &status) == 0 && status.st_size > 0
  }

  /// Leaves a durable write-ahead log beside the file, with a change in it that changes nothing.
  /// - Throws: `DatabaseError`.
  func beginLog(in folder: String) throws(DatabaseError) {
    let database = try openAny(in: folder)
    // After a crash: the log starts again.
    try database.checkpoint()
    try database.execute("PRAGMA user_version = \(try database.integer("PRAGMA user_version") ?? 0)")
    guard hasLog(in: folder) else { throw .damaged("\(database.path): writes no write-ahead log") }
  }

  /// Copies the write-ahead log into the file, which is durable then. For the end, when all other connections of this
  /// process are closed. Returns whether the file has everything: not while somebody reads an older state.
  /// - Throws: `DatabaseError`.
  func fold(in folder: String) throws(DatabaseError) -> Bool { try openAny(in: folder).fold() }

  /// Removes a write-ahead log that was folded, unless somebody reads the file.
  /// - Throws: `DatabaseError`.
  func removeLog(in folder: String) throws(DatabaseError) {
    let database = try openAny(in: folder)
    database.keepLog(false)
    _ = try database.integer("PRAGMA user_version")
  }

  /// Opens the file for writing, whatever its version.
  private func openAny(in folder: String) throws(DatabaseError) -> Database {
    let database = try Database(path: "\(folder)/\(name)", mode: .readWrite)
    database.keepLog(true)
    try database.execute("PRAGMA synchronous = FULL")
    return database
  }

  /// - Returns: the file's version, which is this one or has a complete path to it.
  private func check(_ database: Database) throws(DatabaseError) -> Int32 {
    let found = try database.integer("PRAGMA user_version") ?? 0
    guard let found32 = Int32(exactly: found), found32 > 0, found32 <= version,
      (found32..<version).allSatisfy({ upgrades[$0] != nil })
    else {
      throw .damaged(
        "\(database.path): has version \(found) and this program reads and writes version \(version); "
          + "use the program that wrote it")
    }
    return found32
  }

  /// All steps in one transaction: a crash leaves the file as it was, or whole.
  private func upgrade(_ database: Database) throws(DatabaseError) {
    do throws(DatabaseError) {
      try database.execute("BEGIN IMMEDIATE")
      // Somebody else may have done it in the meantime.
      for step in try check(database)..<version {
        for statement in upgrades[step] ?? [] { try database.execute(statement) }
      }
      try database.execute("PRAGMA user_version = \(version)")
      try database.execute("COMMIT")
    } catch {
      database.rollback()
      throw DatabaseError(
        code: error.code,
        message: "\(error.message), while it was being upgraded to version \(version); nothing was changed")
    }
  }
}
