import Audit
import Settings

/// `kassa restore`
enum RestoreCommand {
  static let page = CommandPage(
    name: "restore", usage: "[--no-verify] BACKUP DATA",
    summary: "make a data folder from a backup",
    text: [
      "Copies a backup into the data folder DATA, audits the copy as kassa verify does, and gives it its name if it is "
        + "sound. BACKUP stays as it is. DATA must be missing or empty: move a damaged folder away, and keep it. The "
        + "command refuses while a server uses DATA.",
      "What was acknowledged after the backup is not in it: orders, checkouts, deliveries, deposits, and their "
        + "idempotency keys. The command says what to do about that.",
    ],
    options: [
      CommandOption(
        "no-verify", nil, "do not audit the copy",
        details: "For a shop whose only backup is not sound.")
    ])

  static let command = Command(page: page) { arguments, program in
    let arguments = try Arguments(arguments, of: page)
    try arguments.expectRest(2...2, of: page)
    let (backup, data) = (arguments.rest[0], arguments.rest[1])
    let copy = try BackupCommand.copied(backup, to: data, program.console)
    if !arguments.switches.contains("no-verify") {
      program.console.say("\n")
      guard BackupCommand.isSound(copy.path, page.name, program.console) else {
        program.console.complain(
          "kassa restore: \(backup) is not sound, and \(data) was not made; restore an older backup, or this one with "
            + "--no-verify\n")
        return .failure
      }
    }
    try copy.complete()
    program.console.say(nextSteps(data, copy.contents))
    return .success
  }

  private static func nextSteps(_ data: String, _ contents: FolderBackup.Contents) -> String {
    let end = contents.newestTime.map { "after \(RecordText.describe($0))" } ?? "at all"
    return """

      restored          \(data)
      not in it         what the shop acknowledged \(end), if anything: orders, checkouts,
                        deliveries, deposits, and their idempotency keys
      payments since    compare what your payment provider took with the accounts here: for each missing
                        deposit, POST /payment/add_funds once, or pay it back. Orders paid since are not paid
                        here: inform these buyers before you ship or charge anything again
      next              kassa serve --data \(data)

      """
  }
}
