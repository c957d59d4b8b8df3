import Glibc

/// A data folder being created: it gets its name when it is complete and durable, and is refused by everything that
/// reads data folders before.
///
/// Where nothing has the name, everything is written into a folder beside it, which is renamed in the end. An empty
/// folder may be where another file system begins, so that nothing can be renamed into its place: there the folder is
/// made inside, and its files are moved up in the end, `FORMAT` last.
public final class NewFolder {
  public let path: String
  /// Where its files belong until it is completed.
  public let partialPath: String
  /// The lock of an empty folder; nil where there is none.
  private let lockFile: Int32?
  /// The folder at `partialPath` is this one's to remove.
  private var isPartial = false

  /// - Parameter path: where nothing exists yet, or an empty folder.
  /// - Throws: `DataFolderFailure`; then nothing was changed.
  public init(path: String) throws(DataFolderFailure) {
    var path = path
    while path.hasSuffix("/"), path.utf8.count > 1 { path.removeLast() }
    self.path = path
    var status = stat()
    if stat(path, &status) == 0 {
      guard status.st_mode & S_IFMT == S_IFDIR else {
        throw DataFolderFailure(.inaccessible, "\(path): is not a folder; name another place")
      }
      partialPath = path + "/partial"
      lockFile = try Self.lockEmpty(path)
    } else {
      partialPath = path + ".partial"
      lockFile = nil
    }
    guard mkdir(partialPath, 0o700) == 0 else {
      throw Self.refusal(partialPath, errno)
    }
    isPartial = true
  }

  deinit {
    if isPartial { Self.remove(partialPath) }
    guard let lockFile else { return }
    flock(lockFile, LOCK_UN)
    close(lockFile)
  }

  private static func refusal(_ path: String, _ code: Int32) -> DataFolderFailure {
    switch code {
    case EEXIST:
      DataFolderFailure(
        .incomplete,
        "\(path): already exists, from a copy that is in progress or was interrupted; "
          + "if none is in progress, delete it")
    case ENOENT:
      DataFolderFailure(.inaccessible, "\(path): cannot be created; create its parent folder first")
    default:
      DataFolderFailure(
        .inaccessible,
        "\(path): cannot be created: \(DataFolder.reason(code)); give this user access or name another place")
    }
  }

  /// - Throws: `DataFolderFailure` for a folder that is in use or not empty.
  private static func lockEmpty(_ path: String) throws(DataFolderFailure) -> Int32 {
    guard let names = names(in: path) else {
      throw DataFolderFailure(
        .inaccessible, "\(path): \(DataFolder.reason(errno)); give this user access or name another place")
    }
    // A running server is reported rather than the files that it has there.
    let hasLock = names.contains("LOCK")
    let lockFile = hasLock ? try DataFolder.lock(path) : -1
    if let name = names.first(where: { !namesOfEmpty.contains($0) }) {
      if hasLock { close(lockFile) }
      if name == "partial" { throw refusal(path + "/partial", EEXIST) }
      throw DataFolderFailure(
        .incomplete, "\(path): is not empty (\(name)); move it away and keep it, or name another place")
    }
    return hasLock ? lockFile : try DataFolder.lock(path)
  }

  /// What an empty folder may have: a server's lock, and what a new file system has.
  private static let namesOfEmpty: Set<String> = ["LOCK", "lost+found"]

  /// nil, and `errno`, where it cannot be read.
  private static func names(in path: String) -> [String]? {
    guard let folder = opendir(path) else { return nil }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
  }

  /// Removes a folder of files.
  private static func remove(_ path: String) {
    for name in names(in: path) ?? [] { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  /// Says in `FORMAT` that everything is there, which makes a data folder of what is at `partialPath`.
  /// - Throws: `DataFolderFailure`.
  public func seal(partitionCount: Int) throws(DataFolderFailure) {
    let format = DataFolderFormat(
      version: DataFolderFormat.currentVersion, partitionCount: partitionCount, state: .complete)
    try DataFolder.write(format, partialPath)
  }

  /// Gives a sealed folder its name.
  /// - Throws: `DataFolderFailure`; then nothing has the name.
  public func complete() throws(DataFolderFailure) {
    if lockFile == nil {
      // Over an empty folder that someone has created since, but over nothing else.
      try move(partialPath, to: path)
      isPartial = false
    } else {
      let names = Self.names(in: partialPath) ?? []
      for name in names where name != "FORMAT" { try move("\(partialPath)/\(name)", to: "\(path)/\(name)") }
      try sync(path)
      try move("\(partialPath)/FORMAT", to: "\(path)/FORMAT")
      isPartial = false
      rmdir(partialPath)
      try sync(path)
    }
    try sync(path + "/..")
  }

  private func move(_ old: String, to new: String) throws(DataFolderFailure) {
    guard rename(old, new) == 0 else {
      throw DataFolderFailure(
        .inaccessible, "\(new): cannot be created: \(DataFolder.reason(errno)); name another place")
    }
  }

  private func sync(_ folder: String) throws(DataFolderFailure) {
    let code = TextFile.sync(folder: folder)
    guard code == 0 else {
      throw DataFolderFailure(
        .inaccessible, "\(folder): cannot be synced: \(DataFolder.reason(code)); check the disk")
    }
  }
}
