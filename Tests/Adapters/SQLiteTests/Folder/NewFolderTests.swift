import Foundation
import SQLite
import TestSupport
import Testing

private let format = DataFolderFormat(version: 1, partitionCount: 8, state: .complete)
private let file = DatabaseFile(
  name: "one.sqlite", applicationID: 11, version: 1, pageBytes: 8_192, schema: ["CREATE TABLE t (x)"])

@Suite struct NewFolderTests {
  let temporary: TemporaryFolder
  let path: String

  init() throws {
    temporary = try TemporaryFolder()
    path = temporary.path + "/new"
  }

  private func names(_ path: String) -> [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? []
  }

  private func make(_ path: String) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  }

  /// Expects a refusal that says each of `words` and changes nothing.
  private func expectRefusal(
    at path: String, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let before = names(temporary.path)
    #expect(
      sourceLocation: sourceLocation, performing: { _ = try NewFolder(path: path) },
      throws: { error in words.allSatisfy { "\(error)".contains($0) } })
    #expect(names(temporary.path) == before, sourceLocation: sourceLocation)
  }

  @Test(arguments: [false, true], [false, true])
  func hasItsNameWhenItIsWhole(_ isThere: Bool, _ hasSlash: Bool) throws {
    if isThere { try make(path + "/lost+found") }
    let folder = try NewFolder(path: hasSlash ? path + "/" : path)
    #expect(folder.partialPath == path + (isThere ? "/partial" : ".partial"))
    try "x".write(toFile: folder.partialPath + "/a", atomically: false, encoding: .utf8)
    #expect(throws: DataFolderFailure.self) { try DataFolder.readFormat(folder.partialPath, files: []) }
    try folder.seal(partitionCount: 8)
    #expect(throws: DataFolderFailure.self) { try DataFolder.readFormat(path, files: []) }
    try folder.complete()
    #expect(try DataFolder.readFormat(path, files: []) == format)
    #expect(names(path) == (isThere ? ["FORMAT", "LOCK", "a", "lost+found"] : ["FORMAT", "a"]))
    #expect(names(temporary.path) == ["new"])
  }

  @Test(arguments: [false, true])
  func leavesNothingWhenItIsGivenUp(_ isThere: Bool) throws {
    if isThere { try make(path) }
    var folder: NewFolder? = try NewFolder(path: path)
    try folder?.seal(partitionCount: 8)
    folder = nil
    #expect(names(temporary.path) == (isThere ? ["new"] : []))
    #expect(names(path) == (isThere ? ["LOCK"] : []))
    // What it leaves is as good as empty.
    _ = try NewFolder(path: path)
  }

  @Test func refusesWhatExists() throws {
    expectRefusal(at: temporary.path + "/no/where", "no/where.partial: cannot be created; create its parent folder")
    try make(path)
    try "x".write(toFile: path + "/notes", atomically: false, encoding: .utf8)
    expectRefusal(at: path, "\(path): is not empty (notes); move it away and keep it")
    #expect(names(path) == ["notes"])
    expectRefusal(at: path + "/notes", "\(path)/notes: is not a folder")
    let other = temporary.path + "/other"
    let folder = try NewFolder(path: other)
    expectRefusal(at: other, "\(other).partial: already exists, from a copy that is in progress or was interrupted")
    #expect(names(folder.partialPath).isEmpty && FileManager.default.fileExists(atPath: folder.partialPath))
  }

  @Test func refusesAnEmptyFolderThatAnotherFills() throws {
    try make(path)
    let folder = try NewFolder(path: path)
    expectRefusal(at: path, "\(path): is used by another process (pid \(getpid()))")
    #expect(throws: DataFolderFailure.self) {
      _ = try DataFolder(path: path, partitionCount: 8, files: [file])
    }
    #expect(names(path) == ["LOCK", "partial"] && names(folder.partialPath).isEmpty)
  }

  @Test func refusesAFolderInUse() throws {
    let used = try DataFolder(path: path, partitionCount: 8, files: [file])
    expectRefusal(at: path, "\(path): is used by another process (pid \(getpid()))")
    withExtendedLifetime(used) {}
  }

  /// Not over a folder that somebody has made meanwhile.
  @Test func keepsWhatTookItsName() throws {
    let folder = try NewFolder(path: path)
    try folder.seal(partitionCount: 8)
    try make(path + "/notes")
    #expect(throws: DataFolderFailure.self) { try folder.complete() }
    #expect(names(path) == ["notes"])
  }
}

@Suite struct DatabaseCopyTests {
  let temporary: TemporaryFolder
  let source: Database
  let target: String

  init() throws {
    temporary = try TemporaryFolder()
    let folder = try DataFolder(path: temporary.path + "/data", partitionCount: 1, files: [file])
    source = try file.open(in: folder.path, mode: .readWrite)
    target = temporary.path + "/copy"
    try source.execute("INSERT INTO t SELECT randomblob(4000) FROM (\(Self.thousand))")
  }

  private static let thousand =
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000) SELECT i FROM n"

  /// Another connection commits after each step: the copy is what the held one sees, and is made in one go.
  @Test func isOfOneMomentUnderAWriter() throws {
    let writer = try Database(path: source.path, mode: .readWrite)
    try source.hold()
    let total = try source.byteCount()
    var steps: [Int64] = []
    try source.copy(to: target) { done in
      steps.append(done)
      try? writer.execute("INSERT INTO t VALUES (1); DELETE FROM t WHERE rowid < 500")
    }
    #expect(steps.last == total && steps == steps.sorted() && Set(steps).count == steps.count && steps.count > 3)
    #expect(try writer.integer("SELECT count(*) FROM t WHERE typeof(x) = 'integer'") == Int64(steps.count))
    let copy = try file.open(in: temporary.path, named: "copy")
    #expect(try copy.integer("SELECT count(*) FROM t") == 1_000)
    #expect(try copy.integer("SELECT count(*) FROM t WHERE typeof(x) = 'integer'") == 0)
    let isWhole = try copy.prepare("PRAGMA integrity_check")
    #expect(try isWhole.step() && isWhole.text(0) == "ok")
    #expect(try copy.integer("PRAGMA page_size") == 8_192)
    let mode = try copy.prepare("PRAGMA journal_mode")
    #expect(try mode.step() && mode.text(0) == "wal")
    let status = try FileManager.default.attributesOfItem(atPath: target)
    #expect(status[.posixPermissions] as? Int == 0o600)
  }

  @Test(arguments: [FileFaults.Fault.full, .error])
  func saysWhyItCannotBeMade(_ fault: FileFaults.Fault) throws {
    FileFaults.install()
    FileFaults.set(fault, of: .write, on: target)
    defer { FileFaults.set(nil, of: .write, on: target) }
    try source.hold()
    #expect(
      performing: { try source.copy(to: target) { _ in } },
      throws: { error in
        guard let error = error as? DatabaseError else { return false }
        return error.isDiskFull == (fault == .full) && error.message.hasPrefix("\(target): the copy of \(source.path)")
      })
  }
}

extension DatabaseFile {
  /// The file under another name.
  fileprivate func open(in folder: String, named name: String) throws -> Database {
    try DatabaseFile(name: name, applicationID: applicationID, version: version, pageBytes: pageBytes, schema: [])
      .open(in: folder, mode: .readWrite)
  }
}
