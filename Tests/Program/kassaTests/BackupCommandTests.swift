import Foundation
import SQLite
import Settings
import TestSupport
import Testing

@testable import kassa

/// Backups and restores at the command line, of a shop that was never open.
@Suite struct BackupCommandTests {
  private let recorder = Recorder()
  private let folder: TemporaryFolder
  private let data: String
  private let copy: String

  init() throws {
    folder = try TemporaryFolder()
    data = folder.path + "/data"
    copy = folder.path + "/copy"
    _ = try DataFolder(path: data, partitionCount: 2, files: [LogFile.file, StoreFile.file])
  }

  private func run(_ arguments: String...) -> ExitCode {
    let environment = ProcessEnvironment(variables: [:], readFile: ProcessEnvironment.process.readFile)
    return Program(console: recorder.console(), environment: environment).run(arguments)
  }

  private var names: [String] {
    (try? FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()) ?? []
  }

  /// Something in the store that no record of the log made.
  private func spoil() throws {
    let store = try StoreFile.file.open(in: data, mode: .readWrite)
    try store.execute("INSERT INTO entities VALUES (0, 1, 'a', NULL, 0, x'ff')")
  }

  @Test func saysWhatItHasAndWhatIsNext() throws {
    #expect(run("backup", "--data", data, copy) == .success && recorder.err.isEmpty, "\(recorder.err)")
    for words in ["2 partitions of each service\n", "newest record     none\n", "  in stock        - -\n", "sound\n"] {
      #expect(recorder.out.contains(words), "\(recorder.out)")
    }
    #expect(recorder.out.contains("backup            \(copy)\n"))
    try FileManager.default.removeItem(atPath: data)
    #expect(run("restore", copy, data) == .success && recorder.err.isEmpty, "\(recorder.err)")
    #expect(recorder.out.hasSuffix("next              kassa serve --data \(data)\n"), "\(recorder.out)")
    #expect(recorder.out.contains("not in it         what the shop acknowledged at all, if anything"))
    #expect(names == ["copy", "data"])
    #expect(try DataFolder.readFormat(data, files: [LogFile.file]).partitionCount == 2)
  }

  @Test func aCopyThatIsNotSoundIsKeptAndNotRestored() throws {
    try spoil()
    #expect(run("backup", "--data", data, copy) == .failure)
    #expect(recorder.err.contains("\(copy) is kept, but it is not sound") && names == ["copy", "data"])
    let other = folder.path + "/other"
    #expect(run("restore", copy, other) == .failure && names == ["copy", "data"])
    #expect(recorder.err.contains("\(copy) is not sound, and \(other) was not made; restore an older backup"))
    #expect(run("restore", "--no-verify", copy, other) == .success && names == ["copy", "data", "other"])
  }

  @Test func withoutAnAuditItSaysHowToMakeOne() throws {
    try spoil()
    #expect(run("backup", "--no-verify", "--data", data, copy) == .success && recorder.err.isEmpty)
    #expect(recorder.out.hasSuffix("next              kassa verify \(copy)\n") && !recorder.out.contains("sound"))
  }

  @Test func refusesWhatIsNoBackup() {
    #expect(run("restore", folder.path, copy) == .failure && recorder.out.isEmpty)
    #expect(
      recorder.err == "kassa restore: \(folder.path): holds no Kassa data; name a Kassa data folder\n",
      "\(recorder.err)")
    #expect(run("restore", data, data) == .failure && recorder.err.contains("\(data): is not empty"))
    #expect(names == ["data"])
  }
}
