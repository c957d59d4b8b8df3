import Audit
import Settings

/// `kassa verify`
enum VerifyCommand {
  static let page = CommandPage(
    name: "verify", usage: "FOLDER",
    summary: "audit a data folder: store = replay of the log, stock and money conserved",
    text: [
      "Reads the data folder of a server that does not run, and writes nothing. Replays what the log has beyond the "
        + "store until every checkout has ended, and holds orders, stock and payments against each other. Where the "
        + "log was kept from the beginning (event-log-retention keep), it also replays the whole history and compares "
        + "the hash of the state with that of the store.",
      "Prints what it found; fails when something is not as it should be.",
    ], options: [])

  static let command = Command(page: page) { arguments, program in
    let arguments = try Arguments(arguments, of: page)
    try arguments.expectRest(1...1, of: page)
    let progress = Progress("reading the log", unit: "records", total: nil, console: program.console)
    let report = try FolderAudit.run(path: arguments.rest[0]) { progress.advance(to: $0) }
    progress.finish(report.recordsReplayed)
    let totals = report.totals
    program.console.say(
      """
      entities          \(totals.entities) (\(totals.orders) orders, \(totals.paidOrders) of them paid, \
      \(totals.items) items, \(totals.users) users)
      checkouts         \(totals.checkouts), \(totals.unitsSold) units sold, \(totals.moneyTaken) taken
      log               \(report.recordsReplayed) records beyond the store
      store = replay    \(comparison(report))
      store hash        \(report.storeHash)

      """)
    for finding in report.findings { program.console.complain("kassa verify: \(finding)\n") }
    if totals.findings > report.findings.count {
      program.console.complain("kassa verify: and \(totals.findings - report.findings.count) more\n")
    }
    program.console.say(report.isSound ? "sound\n" : "NOT SOUND: \(totals.findings) findings\n")
    return report.isSound ? .success : .failure
  }

  private static func comparison(_ report: FolderAudit.Report) -> String {
    if report.partitionsTrimmed == 0 {
      return "\(report.partitionsCompared) partitions compared from their first record"
    }
    return
      "\(report.partitionsCompared) partitions compared; the logs of \(report.partitionsTrimmed) were trimmed behind "
      + "their checkpoints"
  }
}
