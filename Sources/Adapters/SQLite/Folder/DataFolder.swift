import Glibc
import Synchronization

/// Why a data folder is refused: a sentence that names the path, what is wrong, and what to do.
public struct DataFolderFailure: Error, Hashable, Sendable, CustomStringConvertible {
  public enum Code: String, Hashable, Sendable {
    /// It is not a folder, or cannot be created, read or written.
    case inaccessible
    /// Another process uses it.
    case locked
    case version
    case partitionCount
    /// Files are missing, or there are files that do not belong there.
    case incomplete
    /// It was being given more partitions, and that was interrupted.
    case growing
    /// A file is not what this program writes.
    case format
  }

  public let code: Code
  public let message: String

  init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}

/// What a data folder's file `FORMAT` says.
public struct DataFolderFormat: Hashable, Sendable {
  /// The version of the folder's layout that this program reads and writes.
  public static let currentVersion = 1

  public var version: Int
  /// Partitions of each service.
  public var partitionCount: Int
  public var state: State
  /// The count that the folder will have in the end; nil unless it is `growing`.
  package var growingTo: Int?

  /// What the folder contains.
  public enum State: String, Hashable, Sendable {
    /// The databases are first being created: nothing in them counts yet.
    case creating
    /// Everything is in the databases themselves, unless an earlier version of the program used the folder.
    case complete
    /// A process uses the folder, or was killed in it: the newest changes are in the write-ahead logs.
    case running
    /// It gets more partitions: whether the store or the log have them already is for `FolderGrowth` to find out.
    case growing
  }

  public init(version: Int, partitionCount: Int, state: State) {
    self.version = version
    self.partitionCount = partitionCount
    self.state = state
  }
}

/// The folder that holds everything an embedded Kassa keeps, locked against a second process.
///
/// ```
/// FORMAT   format=1, partitions=8, state=complete or running (while it gets more partitions: growing)
/// LOCK     locked (flock) by the process that uses the folder, with its pid inside
/// log.sqlite, store.sqlite (and SQLite's -wal and -shm beside each)
/// ```
/// Whenever a crash interrupts the creation of a folder, it leaves nothing or a folder that the next start completes:
/// `FORMAT` says `state=creating` before the first database exists, and `state=complete` when all are durable. A folder
/// with databases but no `FORMAT`, or vice versa, was tampered with and is refused.
///
/// While the folder is open, `FORMAT` says `state=running`, and each database has a write-ahead log that is not empty:
/// from before that is said until `complete` is said again, whatever opens and closes the database. So a copy of a
/// running folder without those logs, which lacks the newest changes, is recognized and refused.
///
/// The lock belongs to the open file: it ends with the process, however that exits.
public final class DataFolder: Sendable {
  public let path: String
  private let current: Mutex<DataFolderFormat>
  private let lockFile: Int32
  private let files: [DatabaseFile]
  private let isLeft = Atomic(false)

  public var format: DataFolderFormat { current.withLock { $0 } }

  /// Opens a folder, creating it if necessary, and locks it.
  /// - Parameters:
  ///   - partitionCount: must be the one the folder was created with.
  ///   - files: the databases it contains; those of older versions are upgraded.
  ///   - others: more databases of an existing folder, which stay as they are until somebody opens them for writing.
  /// - Throws: `DataFolderFailure`.
  public convenience init(
    path: String, partitionCount: Int, files: [DatabaseFile], others: [DatabaseFile] = []
  ) throws(DataFolderFailure) {
    try Self.makeFolder(path)
    try self.init(path: path, files: files + others) { () throws(DataFolderFailure) in
      try Self.check(path, partitionCount, files)
    }
  }

  private init(
    path: String, files: [DatabaseFile], _ check: () throws(DataFolderFailure) -> DataFolderFormat
  ) throws(DataFolderFailure) {
    let lockFile = try Self.lock(path)
    let format: DataFolderFormat
    do throws(DataFolderFailure) {
      format = try Self.begin(path, try check(), files)
    } catch {
      flock(lockFile, LOCK_UN)
      close(lockFile)
      throw error
    }
    self.path = path
    self.lockFile = lockFile
    self.files = files
    current = Mutex(format)
  }

  /// Opens and locks an existing folder, with the partition count it was created with; for tools that write.
  /// - Throws: `DataFolderFailure`.
  public convenience init(existing path: String, files: [DatabaseFile]) throws(DataFolderFailure) {
    let format = try Self.readFormat(path, files: files)
    try self.init(path: path, partitionCount: format.partitionCount, files: files)
  }

  /// Opens and locks an existing folder that is to get more partitions, or whose growth was interrupted.
  /// - Throws: `DataFolderFailure`.
  package convenience init(growing path: String, files: [DatabaseFile]) throws(DataFolderFailure) {
    // Refuses first what is not a data folder: nothing is created in it.
    guard let found = try Self.format(of: path), found.state == .growing else {
      try self.init(existing: path, files: files)
      return
    }
    try self.init(path: path, files: files) { () throws(DataFolderFailure) in
      guard let format = try Self.format(of: path), format.state != .creating else { throw Self.noData(path) }
      try Self.checkFiles(format, path, files)
      return format
    }
  }

  /// Says in `FORMAT` that the folder gets another partition count; nil takes that back, with the count as it was.
  /// Only `FolderGrowth` opens the folder before it `haveGrown`.
  /// - Throws: `DataFolderFailure`.
  package func grow(to count: Int?) throws(DataFolderFailure) {
    var format = format
    format.state = count == nil ? .running : .growing
    format.growingTo = count
    try put(format)
  }

  /// Says in `FORMAT` that log and store have the partition count that the folder was given.
  /// - Throws: `DataFolderFailure`.
  package func haveGrown() throws(DataFolderFailure) {
    var format = format
    guard let count = format.growingTo else { return }
    (format.partitionCount, format.state, format.growingTo) = (count, .running, nil)
    try put(format)
  }

  private func put(_ format: DataFolderFormat) throws(DataFolderFailure) {
    try Self.write(format, path)
    current.withLock { $0 = format }
  }

  deinit {
    if !isLeft.load(ordering: .relaxed) { end() }
    // Unlock first: a process just being started may hold a copy of the descriptor until it runs.
    flock(lockFile, LOCK_UN)
    close(lockFile)
  }

  /// From now on the folder stays as it is when it is closed: what is on the disk is for the next start to read.
  public func leave() { isLeft.store(true, ordering: .relaxed) }

  /// Whether a folder has one of the databases.
  public static func holds(_ file: DatabaseFile, _ path: String) -> Bool {
    holds(file.name, path)
  }

  /// Whether a folder has a file.
  public static func holds(_ name: String, _ path: String) -> Bool { access("\(path)/\(name)", F_OK) == 0 }

  /// A folder's format, without locking it; for tools that only read.
  /// - Parameter files: the databases that will be read. Call it before they are opened: that makes what was missing.
  /// - Throws: `DataFolderFailure` if it is not a data folder of this program's version, or is incomplete.
  public static func readFormat(_ path: String, files: [DatabaseFile]) throws(DataFolderFailure) -> DataFolderFormat {
    var status = stat()
    guard stat(path, &status) == 0 else {
      throw DataFolderFailure(.inaccessible, "\(path): \(reason(errno)); name a Kassa data folder")
    }
    guard var format = try format(of: path), format.state != .creating else { throw noData(path) }
    if let refusal = refusal(of: format, path) { throw refusal }
    if lack(of: format, path, files) != nil {
      // A server that ended in between said so before it removed anything.
      format = try self.format(of: path) ?? format
      if let lack = lack(of: format, path, files) { throw lack }
    }
    return format
  }

  private static func noData(_ path: String) -> DataFolderFailure {
    DataFolderFailure(.incomplete, "\(path): holds no Kassa data; name a Kassa data folder")
  }

  /// A folder's format, also of one that gets more partitions, without locking it.
  /// - Throws: `DataFolderFailure` if it is not a data folder of this program's version.
  package static func formatOfAny(_ path: String) throws(DataFolderFailure) -> DataFolderFormat {
    if let found = try format(of: path), found.state == .growing { return found }
    return try readFormat(path, files: [])
  }

  /// Why a folder that gets more partitions cannot be used; nil for any other.
  private static func refusal(of format: DataFolderFormat, _ path: String) -> DataFolderFailure? {
    guard format.state == .growing, let count = format.growingTo else { return nil }
    return DataFolderFailure(
      .growing,
      "\(path): is being grown from \(format.partitionCount) to \(count) partitions; if no kassa grow is running, "
        + "run kassa grow --data \(path) --partitions \(count), which continues")
  }

  /// Why a running folder, or a copy of one, is incomplete; nil if it is not.
  private static func lack(
    of format: DataFolderFormat, _ path: String, _ files: [DatabaseFile]
  ) -> DataFolderFailure? {
    guard format.state == .running || format.state == .growing else { return nil }
    let missing = files.filter { holds($0, path) && !$0.hasLog(in: path) }.map { "\($0.name)-wal" }
    if missing.isEmpty { return nil }
    return DataFolderFailure(
      .incomplete,
      "\(path): lacks \(missing.joined(separator: " and ")), where the newest changes are: they were "
        + "removed, or left out of a copy of a running shop; restore a backup, and make copies with kassa backup")
  }

  // MARK: Opening

  private static func makeFolder(_ path: String) throws(DataFolderFailure) {
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else {
        throw DataFolderFailure(.inaccessible, "\(path): is not a folder; name another one")
      }
      return
    }
    guard errno == ENOENT else {
      throw DataFolderFailure(.inaccessible, "\(path): \(reason(errno)); give this user access or name another folder")
    }
    guard mkdir(path, 0o700) == 0 else {
      let hint = errno == ENOENT ? "create its parent folder first" : "give this user access or name another folder"
      throw DataFolderFailure(.inaccessible, "\(path): the folder cannot be created: \(reason(errno)); \(hint)")
    }
    _ = TextFile.sync(folder: path + "/..")
  }

  static func lock(_ path: String) throws(DataFolderFailure) -> Int32 {
    let name = "\(path)/LOCK"
    let file = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard file >= 0 else {
      throw DataFolderFailure(
        .inaccessible, "\(path): cannot be written: \(reason(errno)); give this user access or name another folder")
    }
    guard flock(file, LOCK_EX | LOCK_NB) == 0 else {
      let code = errno
      close(file)
      guard code == EWOULDBLOCK else {
        throw DataFolderFailure(
          .inaccessible, "\(name): cannot be locked: \(reason(code)); name a folder on a local disk")
      }
      let holder = TextFile.read(name, bytesMax: 64)?.split(separator: "\n").first.map { " (pid \($0))" } ?? ""
      throw DataFolderFailure(
        .locked, "\(path): is used by another process\(holder); stop that one or name another folder")
    }
    guard ftruncate(file, 0) == 0, TextFile.write("\(getpid())\n", to: file) == 0 else {
      let code = errno
      close(file)
      throw DataFolderFailure(.inaccessible, "\(name): cannot be written: \(reason(code)); free some space there")
    }
    return file
  }

  private static func check(
    _ path: String, _ partitionCount: Int, _ files: [DatabaseFile]
  ) throws(DataFolderFailure) -> DataFolderFormat {
    let present = files.filter { access("\(path)/\($0.name)", F_OK) == 0 }
    guard let format = try format(of: path) else {
      if let file = present.first {
        throw DataFolderFailure(
          .incomplete,
          "\(path): holds \(file.name) but no FORMAT; restore the whole folder from its backup or name another folder")
      }
      return try create(path, partitionCount, files)
    }
    if let refusal = refusal(of: format, path) { throw refusal }
    guard format.partitionCount == partitionCount else {
      throw DataFolderFailure(
        .partitionCount,
        "\(path): was made with \(format.partitionCount) partitions and cannot be opened with \(partitionCount); "
          + "set the partition count to \(format.partitionCount), or give it more with kassa grow")
    }
    guard format.state != .creating else { return try create(path, partitionCount, files) }
    try checkFiles(format, path, files)
    return format
  }

  /// - Throws: `DataFolderFailure` if one of the databases is missing, or is not what this program writes.
  private static func checkFiles(
    _ format: DataFolderFormat, _ path: String, _ files: [DatabaseFile]
  ) throws(DataFolderFailure) {
    for file in files where !holds(file, path) {
      throw DataFolderFailure(
        .incomplete, "\(path): lacks \(file.name); restore the whole folder from its backup or name another folder")
    }
    if let lack = lack(of: format, path, files) { throw lack }
    for file in files {
      do throws(DatabaseError) {
        _ = try file.open(in: path, mode: .readWrite)
      } catch {
        throw DataFolderFailure(.format, error.message)
      }
    }
  }

  private static func create(
    _ path: String, _ partitionCount: Int, _ files: [DatabaseFile]
  ) throws(DataFolderFailure) -> DataFolderFormat {
    var format = DataFolderFormat(
      version: DataFolderFormat.currentVersion, partitionCount: partitionCount, state: .creating)
    try write(format, path)
    for file in files {
      do throws(DatabaseError) {
        try file.create(in: path)
      } catch {
        throw DataFolderFailure(.inaccessible, "\(error.message); free some space there or name another folder")
      }
    }
    format.state = .complete
    try write(format, path)
    return format
  }

  // MARK: Running

  /// Says that the newest changes will be in the write-ahead logs, once there are such.
  private static func begin(
    _ path: String, _ found: DataFolderFormat, _ files: [DatabaseFile]
  ) throws(DataFolderFailure) -> DataFolderFormat {
    for file in files {
      do throws(DatabaseError) {
        try file.beginLog(in: path)
      } catch {
        throw DataFolderFailure(.inaccessible, "\(error.message); free some space there or give this user access")
      }
    }
    var format = found
    if format.state != .growing { format.state = .running }
    try write(format, path)
    return format
  }

  /// Leaves everything in the databases, without write-ahead logs, and says so. What prevents it leaves the folder as
  /// after a crash.
  private func end() {
    var complete = format
    if complete.state == .growing { return }
    complete.state = .complete
    do {
      for file in files where try !file.fold(in: path) { return }
      try Self.write(complete, path)
      for file in files { try file.removeLog(in: path) }
    } catch {
      // The next start reads what is there.
    }
  }

  // MARK: FORMAT

  static func write(_ format: DataFolderFormat, _ path: String) throws(DataFolderFailure) {
    var text = "format=\(format.version)\npartitions=\(format.partitionCount)\nstate=\(format.state.rawValue)\n"
    if let count = format.growingTo { text += "growing-to=\(count)\n" }
    let code = TextFile.replace("\(path)/FORMAT", with: text, in: path)
    guard code == 0 else {
      throw DataFolderFailure(
        .inaccessible, "\(path)/FORMAT: cannot be written: \(reason(code)); free some space or give this user access")
    }
  }

  /// nil if there is no such file.
  private static func format(of path: String) throws(DataFolderFailure) -> DataFolderFormat? {
    let name = "\(path)/FORMAT"
    guard access(name, F_OK) == 0 else { return nil }
    guard let text = TextFile.read(name, bytesMax: 4_096) else {
      throw DataFolderFailure(.format, "\(name): cannot be read as text; restore the folder from its backup")
    }
    var values: [String: String] = [:]
    for line in text.split(separator: "\n") {
      let pair = line.split(separator: "=", maxSplits: 1)
      if pair.count == 2 { values[String(pair[0])] = String(pair[1]) }
    }
    guard let version = values["format"].flatMap({ Int($0) }) else {
      throw DataFolderFailure(.format, "\(name): does not say its format; restore the folder from its backup")
    }
    guard version == DataFolderFormat.currentVersion else {
      throw DataFolderFailure(
        .version,
        "\(path): has format \(version) and this program knows format \(DataFolderFormat.currentVersion); "
          + "use the program that wrote it")
    }
    let counts = 1...4_096
    let target = values["growing-to"].flatMap({ Int($0) }).flatMap { counts.contains($0) ? $0 : nil }
    guard let count = values["partitions"].flatMap({ Int($0) }), counts.contains(count),
      let state = values["state"].flatMap({ DataFolderFormat.State(rawValue: $0) }),
      (state == .growing) == (target != nil)
    else {
      throw DataFolderFailure(.format, "\(name): is damaged; restore the folder from its backup")
    }
    var format = DataFolderFormat(version: version, partitionCount: count, state: state)
    format.growingTo = target
    return format
  }

  static func reason(_ code: Int32) -> String { String(cString: strerror(code)) }
}
