import CSQLite
import Glibc
import Synchronization

/// Makes the disk fail on command. For tests only: nothing is installed unless a test asks for it, or the process was
/// started with `KASSA_FAULT_FILE` in its environment.
///
/// It is a layer (a VFS) between SQLite and its own file layer that looks up a fault before each write and sync. The
/// control file named by `KASSA_FAULT_FILE` is read each time; each of its lines is `NAME OPERATION FAULT` and applies
/// to every file whose path ends with NAME: `log.sqlite-wal sync error` makes commits of the log fail,
/// `store.sqlite write full` the store's checkpoints.
public enum FileFaults {
  public enum Operation: String, Hashable, Sendable { case write, sync }
  public enum Fault: String, Hashable, Sendable {
    /// The disk is full.
    case full
    /// An input/output error.
    case error
  }

  private struct Rule: Hashable, Sendable {
    let name: String
    let operation: Operation
  }

  private static let rules = Mutex<[Rule: Fault]>([:])
  private static let isInstalled = Atomic<Bool>(false)
  private static let controlFile: String? = getenv("KASSA_FAULT_FILE").map { String(cString: $0) }
  private static let registration: Bool = FaultyFileLayer.register()

  /// The VFS to open files with; nil for SQLite's own.
  static var vfsName: String? {
    guard isInstalled.load(ordering: .acquiring) || controlFile != nil, registration else { return nil }
    return FaultyFileLayer.name
  }

  /// From now on files are opened with the layer.
  public static func install() { isInstalled.store(true, ordering: .releasing) }

  /// Makes `operation` fail from now on for files whose path ends with `name`; nil makes it work again.
  public static func set(_ fault: Fault?, of operation: Operation, on name: String) {
    rules.withLock { $0[Rule(name: name, operation: operation)] = fault }
  }

  /// What happens instead of the operation.
  static func fault(of operation: Operation, on path: String) -> Fault? {
    let found = rules.withLock { rules -> Fault? in
      if rules.isEmpty { return nil }
      return rules.first { $0.key.operation == operation && path.hasSuffix($0.key.name) }?.value
    }
    if let found { return found }
    guard let controlFile, let text = TextFile.read(controlFile, bytesMax: 4_096) else { return nil }
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ").map(String.init)
      if words.count == 3, path.hasSuffix(words[0]), words[1] == operation.rawValue { return Fault(rawValue: words[2]) }
    }
    return nil
  }
}

/// The VFS itself: it forwards everything to SQLite's own, writes and syncs after checking `FileFaults`.
///
/// An open file is this layer's header followed by the file of the layer below, in one block of SQLite's memory:
/// ```
/// | sqlite3_file (methods of this layer) | path (retained) | sqlite3_file of the layer below … |
/// ```
private enum FaultyFileLayer {
  static let name = "kassa-faults"
  /// Room for the header, aligned for what follows.
  static let headerBytes = 32

  final class Path {
    let text: String
    init(_ text: String) { self.text = text }
  }

  struct Header {
    var file: sqlite3_file
    var path: Unmanaged<Path>?
  }

  static func header(_ file: UnsafeMutablePointer<sqlite3_file>?) -> UnsafeMutablePointer<Header>? {
    file.map { UnsafeMutableRawPointer($0).assumingMemoryBound(to: Header.self) }
  }

  static func below(_ file: UnsafeMutablePointer<sqlite3_file>?) -> UnsafeMutablePointer<sqlite3_file>? {
    file.map { (UnsafeMutableRawPointer($0) + headerBytes).assumingMemoryBound(to: sqlite3_file.self) }
  }

  static func methods(_ file: UnsafeMutablePointer<sqlite3_file>?) -> sqlite3_io_methods? {
    below(file)?.pointee.pMethods?.pointee
  }

  static func fault(_ operation: FileFaults.Operation, _ file: UnsafeMutablePointer<sqlite3_file>?) -> Int32? {
    guard let path = header(file)?.pointee.path?.takeUnretainedValue() else { return nil }
    switch FileFaults.fault(of: operation, on: path.text) {
    case nil: return nil
    case .full: return SQLITE_FULL
    // SQLITE_IOERR_WRITE and SQLITE_IOERR_FSYNC
    case .error: return operation == .write ? SQLITE_IOERR | (3 << 8) : SQLITE_IOERR | (4 << 8)
    }
  }

  /// Registers a copy of SQLite's own VFS under this layer's name; it and the methods live as long as the process.
  static func register() -> Bool {
    guard let base = sqlite3_vfs_find(nil) else { return false }
    let layer = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
    layer.initialize(to: base.pointee)
    layer.pointee.pNext = nil
    layer.pointee.zName = UnsafePointer(strdup(name))
    layer.pointee.szOsFile = base.pointee.szOsFile + Int32(headerBytes)
    layer.pointee.xOpen = { vfs, path, file, flags, outFlags in
      guard let base = sqlite3_vfs_find(nil), let open = base.pointee.xOpen,
        let header = FaultyFileLayer.header(file), let below = FaultyFileLayer.below(file)
      else {
        return SQLITE_CANTOPEN
      }
      header.initialize(to: Header(file: sqlite3_file(pMethods: nil), path: nil))
      below.pointee.pMethods = nil
      let code = open(base, path, below, flags, outFlags)
      // SQLite calls xClose even after a failed open if the methods are set.
      if below.pointee.pMethods != nil {
        header.pointee.path = .passRetained(Path(path.map { String(cString: $0) } ?? ""))
        header.pointee.file.pMethods = UnsafePointer(FaultyFileLayer.ioMethods)
      }
      return code
    }
    return sqlite3_vfs_register(layer, 0) == SQLITE_OK
  }

  // Safe: initialised once, never changed, read only by SQLite.
  nonisolated(unsafe) static let ioMethods: UnsafeMutablePointer<sqlite3_io_methods> = {
    let table = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
    table.initialize(to: sqlite3_io_methods())
    table.pointee.iVersion = 2  // without xFetch: files are not mapped into memory
    table.pointee.xClose = { file in
      let code = methods(file)?.xClose?(below(file)) ?? SQLITE_OK
      header(file)?.pointee.path?.release()
      header(file)?.pointee.path = nil
      return code
    }
    table.pointee.xRead = { methods($0)?.xRead?(below($0), $1, $2, $3) ?? SQLITE_IOERR }
    table.pointee.xWrite = { fault(.write, $0) ?? methods($0)?.xWrite?(below($0), $1, $2, $3) ?? SQLITE_IOERR }
    table.pointee.xTruncate = { methods($0)?.xTruncate?(below($0), $1) ?? SQLITE_IOERR }
    table.pointee.xSync = { fault(.sync, $0) ?? methods($0)?.xSync?(below($0), $1) ?? SQLITE_IOERR }
    table.pointee.xFileSize = { methods($0)?.xFileSize?(below($0), $1) ?? SQLITE_IOERR }
    table.pointee.xLock = { methods($0)?.xLock?(below($0), $1) ?? SQLITE_IOERR }
    table.pointee.xUnlock = { methods($0)?.xUnlock?(below($0), $1) ?? SQLITE_IOERR }
    table.pointee.xCheckReservedLock = { methods($0)?.xCheckReservedLock?(below($0), $1) ?? SQLITE_IOERR }
    table.pointee.xFileControl = { methods($0)?.xFileControl?(below($0), $1, $2) ?? SQLITE_NOTFOUND }
    table.pointee.xSectorSize = { methods($0)?.xSectorSize?(below($0)) ?? 4_096 }
    table.pointee.xDeviceCharacteristics = { methods($0)?.xDeviceCharacteristics?(below($0)) ?? 0 }
    table.pointee.xShmMap = { methods($0)?.xShmMap?(below($0), $1, $2, $3, $4) ?? SQLITE_IOERR }
    table.pointee.xShmLock = { methods($0)?.xShmLock?(below($0), $1, $2, $3) ?? SQLITE_IOERR }
    table.pointee.xShmBarrier = { methods($0)?.xShmBarrier?(below($0)) }
    table.pointee.xShmUnmap = { methods($0)?.xShmUnmap?(below($0), $1) ?? SQLITE_IOERR }
    return table
  }()
}
