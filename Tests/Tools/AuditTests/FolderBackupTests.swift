import Audit
import Ports
import Foundation
import Model
import PartitionCore
import SQLite
import TestSupport
import Testing

/// Copies of a data folder whose owners go on meanwhile.
@Suite(.serialized) struct FolderBackupTests {
  private let folder: TemporaryFolder
  private let path: String
  private let target: String
  private let user = UserID(unchecked: "u")

  init() throws {
    folder = try TemporaryFolder()
    path = folder.path + "/data"
    target = folder.path + "/backup"
  }

  /// A shop where a user has paid 100 in.
  private func shop() throws -> HandDrivenShop {
    let shop = try HandDrivenShop(path: path)
    try shop.execute([.payments(.create(user, .random))])
    try deposit(shop, 100)
    return shop
  }

  private func deposit(_ shop: HandDrivenShop, _ amount: Int64) throws {
    try shop.execute([.payments(.addFunds(user, Money(unchecked: amount)))])
  }

  private func credit(_ path: String) throws -> Money? {
    let shop = try HandDrivenShop(path: path, run: 10)
    try shop.checkpoint()
    shop.close()
    let stored = try SQLiteStoreReader(path: path).entity(.user(user), of: PartitionID(.payments, 0))
    guard case .user(let user)? = stored else { return nil }
    return user.credit
  }

  private var names: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()) ?? []
  }

  /// What was acknowledged before it is begun is in it, what comes later is not, however much of it, and checkpointed
  /// and trimmed or not.
  @Test(arguments: [false, true])
  func isOfTheMomentItWasBegun(_ isCheckpointed: Bool) throws {
    let shop = try shop()
    if isCheckpointed { try shop.checkpoint() }
    let backup = try FolderBackup(of: path, to: target)
    try deposit(shop, 50)
    try shop.checkpoint()
    var steps: [Int64] = []
    try backup.copy {
      steps.append($0)
      try? deposit(shop, 1)
    }
    #expect(names == ["backup.partial", "data"])
    try backup.complete()
    #expect(names == ["backup", "data"])
    #expect(steps.last == backup.contents.byteCount && steps.count >= 2)
    #expect(backup.contents.partitionCount == 1 && backup.contents.newestTime == Timestamp(milliseconds: 1))
    let newest = try #require(try FolderSource(path: target).offsets(of: PartitionID(.payments, 0)).last)
    #expect(backup.contents.newestOffsets[PartitionID(.payments, 0)] == newest)
    #expect(try FolderAudit.run(path: target).isSound)
    shop.close()
    #expect(try credit(target) == Money(unchecked: 100))
    #expect(try credit(path) == Money(unchecked: 150 + Int64(steps.count)))
    #expect(try FolderAudit.run(path: target).isSound)
  }

  /// Who goes on from a copy is above every epoch in its log.
  @Test func goesOnAboveItsEpochs() throws {
    try shop().close()
    try HandDrivenShop(path: path, run: 8).close()
    let backup = try FolderBackup(of: path, to: target)
    try backup.copy { _ in }
    try backup.complete()
    let before = try SQLiteStoreReader(path: target).epochs()
    let next = try HandDrivenShop(path: target, run: 9)
    try deposit(next, 1)
    next.close()
    #expect(try SQLiteStoreReader(path: target).epochs() == before.mapValues { $0 + 1 } && before.values.max() == 2)
    #expect(try credit(target) == Money(unchecked: 101))
  }

  /// A server that starts after the moment of the copy is none of its business.
  @Test func aServerMayBeStartedMeanwhile() throws {
    try shop().close()
    let backup = try FolderBackup(of: path, to: target)
    let shop = try HandDrivenShop(path: path, run: 8)
    try deposit(shop, 1)
    try backup.copy { _ in }
    try backup.complete()
    shop.close()
    #expect(try FolderAudit.run(path: target).isSound)
    #expect(try credit(target) == Money(unchecked: 100))
    #expect(try credit(path) == Money(unchecked: 101))
  }

  @Test func aCutCopyLeavesNothing() throws {
    try shop().close()
    FileFaults.install()
    for name in ["log.sqlite", "store.sqlite"] {
      FileFaults.set(.full, of: .write, on: "backup.partial/\(name)")
      defer { FileFaults.set(nil, of: .write, on: "backup.partial/\(name)") }
      #expect(
        performing: { try FolderBackup(of: path, to: target).copy { _ in } },
        throws: {
          "\($0)".contains("backup.partial/\(name): the copy of \(path)/\(name) failed: database or disk is full")
        })
      #expect(names == ["data"])
    }
  }

  /// What a process left that was killed is no data folder, and is not written over.
  @Test func aKilledCopyIsTakenForNone() throws {
    try shop().close()
    let backup = try FolderBackup(of: path, to: target)
    let left = folder.path + "/left"
    try FileManager.default.copyItem(atPath: path, toPath: left)
    try FileManager.default.removeItem(atPath: left + "/FORMAT")
    #expect(throws: DataFolderFailure.self) { try FolderAudit.run(path: left) }
    #expect(throws: DataFolderFailure.self) { try FolderBackup(of: left, to: folder.path + "/other") }
    #expect(
      performing: { try FolderBackup(of: path, to: target) },
      throws: { "\($0)".contains("backup.partial: already exists") })
    withExtendedLifetime(backup) {}
  }

  @Test func refusesForeignFoldersAndTakenNames() throws {
    #expect(
      performing: { try FolderBackup(of: folder.path, to: target) },
      throws: { "\($0)".contains("\(folder.path): holds no Kassa data; name a Kassa data folder") })
    try shop().close()
    #expect(
      performing: { try FolderBackup(of: path, to: path) }, throws: { "\($0)".contains("\(path): is not empty") })
    #expect(names == ["data"])
  }

  /// A log that begins behind what the store has is no accident of the moment.
  @Test func refusesALogThatLacksWhatTheStoreNeeds() throws {
    let shop = try shop()
    try shop.checkpoint()
    shop.close()
    let database = try StoreFile.file.open(in: path, mode: .readWrite)
    try database.execute("UPDATE checkpoints SET header = NULL")
    let log = try LogFile.file.open(in: path, mode: .readWrite)
    try log.execute("DELETE FROM records WHERE sequence <= (SELECT max(sequence) FROM records)")
    try log.execute("UPDATE marks SET sequence = 99, offsets = x'\(String(repeating: "0900000000000000", count: 3))'")
    #expect(
      performing: { try FolderBackup(of: path, to: target).copy { _ in } },
      throws: { "\($0)".contains("log and store do not fit together: the log begins orders-0 with offset 9") })
    #expect(names == ["data"])
  }

  @Test func takesTheFormerLogAlong() throws {
    try shop().close()
    try FileManager.default.copyItem(atPath: path + "/log.sqlite", toPath: path + "/" + FormerLog.keptName)
    let backup = try FolderBackup(of: path, to: target)
    try backup.copy { _ in }
    try backup.complete()
    let former = try Database(path: target + "/" + FormerLog.keptName, mode: .readOnly)
    #expect(try former.integer("SELECT count(*) FROM records") ?? 0 > 0)
  }
}
