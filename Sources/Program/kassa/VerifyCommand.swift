import Audit
import Server
import Settings

/// `kassa verify`
enum VerifyCommand {
  static let page = CommandPage(
    name: "verify", usage: "[FOLDER] [SETTING]…",
    summary: "audit a data folder or a cluster: store = replay of the log, stock and money conserved",
    text: [
      "Reads the data folder of a server that is not running; or, with --mode cluster or KASSA_MODE=cluster and "
        + "without a folder, the topics in Kafka and the three databases of a cluster, whose pods may run. Writes "
        + "nothing. Replays the log beyond the store until every checkout has ended, and compares orders, stock and "
        + "payments. If the log still has its beginning (event-log-retention keep; topics that retention has not "
        + "shortened yet), it also replays the whole history and compares the hash of the state with that of the "
        + "store. The rows of a folder's store are always counted and hashed, and compared with what the checkpoints "
        + "that wrote them say.",
      "For a cluster it needs the settings of its pods and the databases of all three services: kafka-brokers, "
        + "kafka-prefix, partitions, postgres-orders, postgres-stock, postgres-payments, or the files of the last "
        + "three. Give them as for serve: as flags, as environment variables, or in a settings file.",
      "Prints what it found; fails if something is wrong.",
    ],
    options: CommandOption.settings.filter { settings.contains($0.name) })

  /// The settings it uses.
  static let settings: Set<String> = [
    "mode", "config", "partitions", "kafka-brokers", "kafka-prefix", "postgres-orders", "postgres-stock",
    "postgres-payments", "postgres-orders-file", "postgres-stock-file", "postgres-payments-file",
  ]

  static let command = Command(page: page) { arguments, program in
    let (flags, rest) = Arguments.divide(settings: arguments)
    guard rest.count <= 1 else { throw UsageError("'\(rest[1])' is unexpected: kassa \(page.name) \(page.usage)") }
    let settings = try program.environment.settings(flags).settings
    return try audit(source(rest.first, settings), by: page.name, program.console) ? .success : .failure
  }

  /// Audits something and prints what it found. Returns whether it is sound.
  static func audit(_ source: any AuditSource, by command: String, _ console: Console) throws -> Bool {
    let progress = Progress("reading the log", unit: "records", total: nil, console: console)
    var records = 0
    let report = try AuditReport(auditing: source) {
      records = $0
      progress.advance(to: $0)
    }
    progress.finish(records)
    let totals = report.totals
    console.say(
      """
      entities          \(totals.entities) (\(totals.orders) orders, \(totals.paidOrders) of them paid, \
      \(totals.items) items, \(totals.users) users)
      checkouts         \(totals.checkouts), \(totals.unitsSold) units sold, \(totals.moneyTaken) taken
      log               \(report.recordsReplayed) records beyond the store
      void records      \(report.voidRecords) that leave no trace
      store = replay    \(comparison(report))
      store = totals    \(counted(report))
      store hash        \(report.storeHash)

      """)
    for finding in report.findings { console.complain("kassa \(command): \(finding)\n") }
    if totals.findings > report.findings.count {
      console.complain("kassa \(command): and \(totals.findings - report.findings.count) more\n")
    }
    console.say(report.isSound ? "sound\n" : "NOT SOUND: \(totals.findings) findings\n")
    return report.isSound
  }

  private static func source(_ folder: String?, _ settings: ServeSettings) throws -> any AuditSource {
    if let folder { return try FolderSource(path: folder) }
    guard settings.mode == .cluster else {
      throw UsageError("a folder is missing: kassa verify FOLDER, or kassa verify --mode cluster [SETTING]…")
    }
    return try clusterSource(settings)
  }

  /// The whole cluster, whichever part of it a pod with these settings would be.
  static func clusterSource(_ settings: ServeSettings) throws -> ClusterSource {
    var settings = settings
    settings.cluster.services = .all
    settings.cluster.role = .all
    let options = try PodOptions(settings)
    return try ClusterSource(options.kafka, databases: options.databases)
  }

  private static func counted(_ report: AuditReport) -> String {
    let compared = "the rows of \(report.partitionsTotalled) partitions compared with their checkpoints' totals"
    if report.partitionsUntotalled == 0 { return compared }
    return "\(compared); \(report.partitionsUntotalled) have none: an earlier version wrote them"
  }

  private static func comparison(_ report: AuditReport) -> String {
    if report.partitionsTrimmed == 0 {
      return "\(report.partitionsCompared) partitions compared from their first record"
    }
    return
      "\(report.partitionsCompared) partitions compared; the logs of \(report.partitionsTrimmed) were trimmed before "
      + "their checkpoints"
  }
}
