import Audit
import Model
import Settings

/// `kassa backup`
enum BackupCommand {
  static let page = CommandPage(
    name: "backup", usage: "[--data FOLDER] [--no-verify] TARGET",
    summary: "copy a data folder into a new one, even while its server runs",
    text: [
      "Copies the data folder's log and store so that they fit together: the copy has everything that the shop had "
        + "acknowledged when the command began. The server keeps serving; its -wal files grow until the copy is made. "
        + "TARGET is a complete data folder: kassa verify audits it, kassa restore starts from it.",
      "TARGET must be missing or empty. It gets its name, or its FORMAT, once it is whole and durable; until then the "
        + "copy is in TARGET.partial, or in TARGET/partial of an empty folder. Then it is audited, as by kassa verify. "
        + "A copy that is not sound is kept, and the command fails.",
      "For a cluster, back up the databases and keep the topics.",
    ],
    options: [
      CommandOption("data", "FOLDER", "the data folder; default: data", completion: .folders),
      CommandOption("no-verify", nil, "do not audit the copy"),
    ])

  static let command = Command(page: page) { arguments, program in
    let arguments = try Arguments(arguments, of: page)
    try arguments.expectRest(1...1, of: page)
    let (data, target) = (arguments.values["data"] ?? "data", arguments.rest[0])
    let backup = try copied(data, to: target, program.console)
    try backup.complete()
    program.console.say("backup            \(target)\n\n")
    guard !arguments.switches.contains("no-verify") else {
      program.console.say("next              kassa verify \(target)\n")
      return .success
    }
    if isSound(target, page.name, program.console) { return .success }
    program.console.complain(
      "kassa backup: \(target) is kept, but it is not sound, and most likely \(data) is not either: keep your earlier "
        + "backups, and run kassa verify \(data)\n")
    return .failure
  }

  /// Whether a copy can be read and is sound; says what was found.
  static func isSound(_ path: String, _ command: String, _ console: Console) -> Bool {
    do {
      return try VerifyCommand.audit(FolderSource(path: path), by: command, console)
    } catch {
      console.complain("kassa \(command): \(error)\n")
      return false
    }
  }

  /// A copy of a data folder without its name; says what it has.
  static func copied(_ source: String, to target: String, _ console: Console) throws -> FolderBackup {
    let backup = try FolderBackup(of: source, to: target)
    let contents = backup.contents
    let progress = Progress("copying", unit: "bytes", total: Int(contents.byteCount), console: console)
    try backup.copy { progress.advance(to: Int($0)) }
    progress.finish(Int(contents.byteCount))
    console.say(
      """
      copied            \(contents.byteCount) bytes, \(contents.partitionCount) partitions of each service
      newest record     \(describe(contents))

      """)
    for service in Service.allCases {
      let offsets = (0..<contents.partitionCount).map { contents.newestOffsets[PartitionID(service, UInt16($0))] ?? -1 }
      let name = "  in \(service.name)".padded(to: 18)
      console.say("\(name)\(offsets.map { $0 < 0 ? "-" : String($0) }.joined(separator: " "))\n")
    }
    return backup
  }

  private static func describe(_ contents: FolderBackup.Contents) -> String {
    guard let time = contents.newestTime else { return "none" }
    return "\(contents.position), of \(RecordText.describe(time)); by partition, its offset:"
  }
}

extension String {
  fileprivate func padded(to count: Int) -> String { self + String(repeating: " ", count: max(0, count - self.count)) }
}
