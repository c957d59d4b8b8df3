import Foundation
import SQLite
import Testing
import TestSupport

private let files = [
  DatabaseFile(name: "one.sqlite", applicationID: 11, version: 1, pageBytes: 4_096, schema: ["CREATE TABLE t (x)"]),
  DatabaseFile(name: "two.sqlite", applicationID: 22, version: 3, pageBytes: 8_192, schema: []),
]

@Suite struct DataFolderTests {
  let temporary: TemporaryFolder
  let path: String

  init() throws {
    temporary = try TemporaryFolder()
    path = temporary.path + "/data"
  }

  private func open(_ partitionCount: Int = 8, _ files: [DatabaseFile] = files) throws -> DataFolder {
    try DataFolder(path: path, partitionCount: partitionCount, files: files)
  }

  /// Expects a refusal that names the path and says each of `words`.
  private func expectRefusal(
    _ code: DataFolderFailure.Code, _ words: String..., sourceLocation: SourceLocation = #_sourceLocation,
    _ body: () throws -> Void
  ) {
    #expect(
      sourceLocation: sourceLocation, performing: body,
      throws: { error in
        guard let failure = error as? DataFolderFailure, failure.code == code else { return false }
        return failure.message.contains(path) && words.allSatisfy { failure.message.contains($0) }
      })
  }

  private func mode(_ path: String) throws -> Int {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int ?? 0
  }

  @Test func makesAFolderForItsUserAlone() throws {
    let folder = try open()
    #expect(folder.format == DataFolderFormat(version: 1, partitionCount: 8, state: .running))
    #expect(try mode(path) == 0o700)
    #expect(try mode(path + "/one.sqlite") == 0o600)
    let two = try Database(path: path + "/two.sqlite", mode: .readOnly)
    #expect(try two.integer("PRAGMA page_size") == 8_192)
    #expect(try two.integer("PRAGMA user_version") == 3)
    #expect(try DataFolder.readFormat(path, files: files) == folder.format)
  }

  @Test func opensWhatItMadeAndKeepsWhatIsInIt() throws {
    do {
      let folder = try open()
      try files[0].open(in: folder.path, mode: .readWrite).execute("INSERT INTO t VALUES (17)")
    }
    let folder = try DataFolder(existing: path, files: files)
    #expect(folder.format.partitionCount == 8)
    #expect(try files[0].open(in: path, mode: .readOnly).integer("SELECT x FROM t") == 17)
  }

  private func state() throws -> DataFolderFormat.State { try DataFolder.readFormat(path, files: files).state }

  private func leave(_ suffix: String) -> [String] {
    files.map { path + "/" + $0.name + suffix }.filter { FileManager.default.fileExists(atPath: $0) }
  }

  @Test func saysWhetherItIsInUse() throws {
    do {
      let folder = try open()
      #expect(try state() == .running)
      #expect(leave("-wal").count == 2, "nothing was written, and the logs are there")
      try files[0].open(in: folder.path, mode: .readWrite).execute("INSERT INTO t VALUES (17)")
      #expect(leave("-wal").count == 2, "whatever opens and closes a database")
    }
    #expect(try state() == .complete)
    #expect(leave("-wal").isEmpty && leave("-shm").isEmpty)
    #expect(try files[0].open(in: path, mode: .readOnly).integer("SELECT x FROM t") == 17)
  }

  /// As a crash leaves it: the lock is gone, everything else is as it was.
  private func crashed() throws {
    let folder = try open()
    try files[0].open(in: folder.path, mode: .readWrite).execute("INSERT INTO t VALUES (17)")
    folder.leave()
  }

  @Test func startsAfterACrash() throws {
    for _ in 0..<2 {
      try crashed()
      #expect(try state() == .running)
    }
    do { _ = try open() }
    #expect(try state() == .complete)
    #expect(try files[0].open(in: path, mode: .readOnly).integer("SELECT count(*) FROM t") == 2)
  }

  @Test(arguments: [["one.sqlite-wal"], ["two.sqlite-wal"], ["one.sqlite-wal", "two.sqlite-wal"]], [false, true])
  func refusesACopyWithoutTheNewestChanges(_ names: [String], _ wasOpened: Bool) throws {
    try crashed()
    for name in names { try FileManager.default.removeItem(atPath: path + "/" + name) }
    // A look into the copy with a tool that only reads makes empty ones.
    if wasOpened { for name in names { try Data().write(to: URL(fileURLWithPath: path + "/" + name)) } }
    let words = names.joined(separator: " and ")
    expectRefusal(.incomplete, "lacks \(words), ", "kassa backup") {
      _ = try DataFolder.readFormat(path, files: files)
    }
    expectRefusal(.incomplete, "lacks \(words), ", "kassa backup") { _ = try open() }
    expectRefusal(.incomplete, "lacks \(words), ", "kassa backup") {
      _ = try DataFolder(existing: path, files: files)
    }
  }

  @Test func staysRunningWhileSomebodyReadsAnOlderState() throws {
    do { _ = try open() }
    let reader = try files[0].open(in: path, mode: .readOnly)
    try reader.hold()
    try change(path)
    #expect(try state() == .running, "what the reader holds up is only in the write-ahead log")
    reader.rollback()
    do { _ = try open() }
    #expect(try state() == .complete)
    #expect(try reader.integer("SELECT x FROM t") == 17)
  }

  private func change(_ path: String) throws {
    let folder = try open()
    try files[0].open(in: folder.path, mode: .readWrite).execute("INSERT INTO t VALUES (17)")
    #expect(try state() == .running)
  }

  @Test func opensAFolderOfAnEarlierVersion() throws {
    // It said complete all the while, and a crash left its write-ahead logs.
    try crashed()
    try "format=1\npartitions=8\nstate=complete\n".write(toFile: path + "/FORMAT", atomically: true, encoding: .utf8)
    do { _ = try open() }
    #expect(try files[0].open(in: path, mode: .readOnly).integer("SELECT x FROM t") == 17)
  }

  @Test func refusesASecondUserAndNamesTheFirst() throws {
    let folder = try open()
    expectRefusal(.locked, "pid \(getpid())", "another folder") { _ = try open() }
    #expect(folder.path == path)
  }

  @Test func isFreeAgainWhenItsUserIsGone() throws {
    do { _ = try open() }
    _ = try open()
  }

  @Test func refusesAnotherPartitionCount() throws {
    do { _ = try open(8) }
    expectRefusal(.partitionCount, "8", "16") { _ = try open(16) }
    _ = try open(8)
  }

  @Test func refusesAnotherFormat() throws {
    do { _ = try open() }
    try "format=2\npartitions=8\nstate=complete\n".write(toFile: path + "/FORMAT", atomically: true, encoding: .utf8)
    expectRefusal(.version, "format 2", "format 1") { _ = try open() }
  }

  @Test(arguments: [
    "", "format=\n", "format=x\npartitions=8\nstate=complete\n", "format=1\npartitions=0\nstate=complete\n",
    "format=1\npartitions=99999999999999999999\nstate=complete\n", "format=1\npartitions=8\n",
    "format=1\npartitions=8\nstate=maybe\n", String(repeating: "x", count: 10_000),
  ])
  func refusesADamagedFormat(_ text: String) throws {
    do { _ = try open() }
    try text.write(toFile: path + "/FORMAT", atomically: true, encoding: .utf8)
    expectRefusal(.format, "FORMAT", "backup") { _ = try open() }
  }

  @Test func refusesAFormatThatIsNotText() throws {
    do { _ = try open() }
    try Data([0xff, 0xfe, 0]).write(to: URL(fileURLWithPath: path + "/FORMAT"))
    expectRefusal(.format, "FORMAT") { _ = try open() }
  }

  @Test func refusesAFolderThatLacksADatabase() throws {
    do { _ = try open() }
    try FileManager.default.removeItem(atPath: path + "/two.sqlite")
    expectRefusal(.incomplete, "two.sqlite", "backup") { _ = try open() }
    #expect(!FileManager.default.fileExists(atPath: path + "/two.sqlite"), "nothing was made in its place")
  }

  @Test func refusesDatabasesWithoutAFormat() throws {
    do { _ = try open() }
    try FileManager.default.removeItem(atPath: path + "/FORMAT")
    expectRefusal(.incomplete, "one.sqlite", "FORMAT") { _ = try open() }
  }

  @Test func completesAFolderThatWasBeingMade() throws {
    do { _ = try open() }
    try "format=1\npartitions=8\nstate=creating\n".write(toFile: path + "/FORMAT", atomically: true, encoding: .utf8)
    try "half a database".write(toFile: path + "/one.sqlite", atomically: true, encoding: .utf8)
    try FileManager.default.removeItem(atPath: path + "/two.sqlite")
    #expect(try open().format.state == .running)
    expectRefusal(.partitionCount) { _ = try open(4) }
  }

  @Test func makesNothingOfAFolderForTools() throws {
    expectRefusal(.inaccessible) { _ = try DataFolder.readFormat(path, files: files) }
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    expectRefusal(.incomplete) { _ = try DataFolder.readFormat(path, files: files) }
    expectRefusal(.incomplete) { _ = try DataFolder(existing: path, files: files) }
    #expect(try FileManager.default.contentsOfDirectory(atPath: path).isEmpty)
  }

  @Test func refusesForeignFiles() throws {
    do { _ = try open() }
    try FileManager.default.removeItem(atPath: path + "/one.sqlite")
    let foreign = try Database(path: path + "/one.sqlite", mode: .create)
    try foreign.execute("CREATE TABLE theirs (x)")
    expectRefusal(.format, "one.sqlite", "not Kassa's") { _ = try open() }
    try foreign.execute("PRAGMA application_id = 11")
    expectRefusal(.format, "one.sqlite", "version 0", "version 1") { _ = try open() }
    try "certainly no database, but long enough to be looked at as one".write(
      toFile: path + "/one.sqlite", atomically: true, encoding: .utf8)
    expectRefusal(.format, "one.sqlite") { _ = try open() }
  }

  @Test func refusesWhatIsNotAFolder() throws {
    try "a file".write(toFile: path, atomically: true, encoding: .utf8)
    expectRefusal(.inaccessible, "not a folder") { _ = try open() }
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "a file")
  }

  @Test func refusesAPathWithoutItsParent() throws {
    #expect { try DataFolder(path: path + "/a/b", partitionCount: 8, files: files) } throws: { error in
      (error as? DataFolderFailure)?.code == .inaccessible
    }
  }

  /// In a process of another user than root: permissions do not hold root back.
  @Test(arguments: [0o500, 0o000])
  func refusesAFolderItMayNotWrite(_ mode: Int) async throws {
    do { _ = try open() }
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: temporary.path)
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    await #expect(processExitsWith: .success) { [path = path as String] in
      if getuid() == 0 { try #require(setuid(65_534) == 0) }
      let failure = try #require(throws: DataFolderFailure.self) {
        try DataFolder(path: path, partitionCount: 8, files: files)
      }
      #expect(failure.code == .inaccessible)
      #expect(failure.message.contains(path) && failure.message.contains("give this user access"))
    }
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
    _ = try open()
  }

  @Test(arguments: [FileFaults.Fault.full, .error])
  func makesNothingOnAFullDisk(_ fault: FileFaults.Fault) throws {
    FileFaults.install()
    FileFaults.set(fault, of: .write, on: path + "/two.sqlite")
    expectRefusal(.inaccessible, "two.sqlite") { _ = try open() }
    FileFaults.set(nil, of: .write, on: path + "/two.sqlite")
    #expect(try open().format.state == .running, "with room again the next start completes it")
  }

  // MARK: Versions of a database

  private func one(_ version: Int32, _ upgrades: [Int32: [String]] = [:]) -> DatabaseFile {
    DatabaseFile(
      name: "one.sqlite", applicationID: 11, version: version, pageBytes: 4_096, schema: ["CREATE TABLE t (x)"],
      upgrades: upgrades)
  }

  private func version() throws -> Int64? {
    try Database(path: path + "/one.sqlite", mode: .readOnly).integer("PRAGMA user_version")
  }

  @Test func upgradesAnOlderDatabaseStepByStep() throws {
    do { _ = try open(8, [one(1)]) }
    let newest = one(3, [1: ["CREATE TABLE u (x)", "INSERT INTO u VALUES (1)"], 2: ["UPDATE u SET x = x + 1"]])
    #expect(try newest.open(in: path, mode: .readOnly).integer("SELECT count(*) FROM t") == 0)
    #expect(try version() == 1, "who only reads changes nothing")
    for _ in 0..<2 {
      do { _ = try open(8, [newest]) }
      #expect(try version() == 3)
      #expect(try newest.open(in: path, mode: .readWrite).integer("SELECT x FROM u") == 2)
    }
    expectRefusal(.format, "version 3", "version 2") { _ = try open(8, [one(2, [1: []])]) }
  }

  @Test func anUpgradeIsWholeOrNothing() throws {
    do { _ = try open(8, [one(1)]) }
    expectRefusal(.format, "no_such_table", "being upgraded to version 3") {
      _ = try open(8, [one(3, [1: ["CREATE TABLE u (x)"], 2: ["UPDATE no_such_table SET x = 1"]])])
    }
    #expect(try version() == 1)
    let tables = try one(1).open(in: path, mode: .readOnly).integer("SELECT count(*) FROM sqlite_schema")
    #expect(tables == 1)
  }

  @Test func refusesADatabaseWithoutAWayToItsVersion() throws {
    do { _ = try open(8, [one(1)]) }
    for mode in [Database.Mode.readOnly, .readWrite] {
      #expect(throws: DatabaseError.self) { _ = try one(3, [2: []]).open(in: path, mode: mode) }
    }
    #expect(try version() == 1)
  }

  /// A newer program finds everything there.
  @Test func aRefusedDatabaseKeepsItsNewestChanges() throws {
    try crashed()
    try files[0].open(in: path, mode: .readWrite).execute("PRAGMA user_version = 9")
    for _ in 0..<2 { expectRefusal(.format, "has version 9") { _ = try open() } }
    #expect(try leave("-wal").count == 2 && state() == .running)
  }

  /// An operator reads what to do, not what SQLite was asked.
  @Test func damageNamesTheFileAndTheNextStep() throws {
    let damaged = temporary.path + "/store.sqlite"
    try Data(repeating: 0x5a, count: 8_192).write(to: URL(fileURLWithPath: damaged))
    let database = try Database(path: damaged, mode: .readOnly)
    let failure = #expect(throws: DatabaseError.self) { try database.execute("PRAGMA synchronous = FULL") }
    #expect(failure?.isDamage == true)
    #expect(failure?.message.hasPrefix("\(damaged): damaged, or not a database (SQLite: ") == true)
    #expect(failure?.message.contains("kassa restore") == true && failure?.message.contains("PRAGMA") == false)
  }
}
