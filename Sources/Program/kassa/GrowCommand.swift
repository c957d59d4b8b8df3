import Audit
import Model
import PartitionCore
import Ports
import SQLite
import Server
import Settings

/// `kassa grow`
enum GrowCommand {
  static let page = CommandPage(
    name: "grow", usage: "--partitions COUNT [SETTING]…",
    summary: "give a shop that is not running more partitions",
    text: [
      "Brings a data folder (--data) or, with --mode cluster or KASSA_MODE=cluster, the topics and databases of a "
        + "cluster to COUNT partitions of each service: a multiple of what they have, at most \(GrowthPlan.countMax). "
        + "Each key goes to its new partition, with everything that belongs to it; idempotency keys keep their "
        + "answers. Then start the shop with --partitions COUNT. It cannot be reduced again.",
      "Nothing may be running: neither the server nor any pod of the cluster, not even one of the role api. Everything "
        + "must have shut down in order: no checkout is under way, and every log is in the store. Otherwise the "
        + "command names what is in the way, and changes nothing.",
      "The rows of a folder, or of each database, move in one transaction, which needs as much free space as they "
        + "take. If the command is killed, the shop is as it was, or does not start until the command has run again, "
        + "which continues where it stopped.",
      "The logs start afresh: their records are removed, even with event-log-retention keep. Make a backup first, and "
        + "run kassa verify before and after.",
      "For a cluster it needs the settings that kassa verify needs, with the new count.",
    ],
    options: CommandOption.settings.filter { $0.name == "data" || VerifyCommand.settings.contains($0.name) })

  static let command = Command(page: page) { arguments, program in
    let (flags, rest) = Arguments.divide(settings: arguments)
    if let first = rest.first { throw UsageError("'\(first)' is unexpected: kassa \(page.name) \(page.usage)") }
    // Not from a file or the environment: that is the count that the shop has.
    guard flags.contains(where: { $0 == "--partitions" || $0.hasPrefix("--partitions=") }) else {
      throw UsageError("--partitions COUNT is missing: kassa \(page.name) \(page.usage)")
    }
    let settings = try program.environment.settings(flags).settings
    switch settings.mode {
    case .cluster: return try growCluster(settings, program.console)
    default: return try growFolder(settings, program.console)
    }
  }

  private static func growFolder(_ settings: ServeSettings, _ console: Console) throws -> ExitCode {
    let (path, count) = (settings.dataFolder, settings.partitions)
    let progress = Progress("moving rows", unit: "rows", total: nil, console: console)
    var seen = 0
    let report = try FolderGrowth.run(path: path, to: count) { step in
      guard case .rows(let rows) = step else { return }
      seen = rows
      progress.advance(to: seen)
    }
    progress.finish(seen)
    guard let report else { return unchanged(count, console) }
    say(
      report.from, report.to, report.isResumed ? "by an earlier run, which was cut short" : describe(report.rows),
      next: "kassa verify \(path) && kassa serve --data \(path) --partitions \(count)", console)
    return .success
  }

  private static func growCluster(_ settings: ServeSettings, _ console: Console) throws -> ExitCode {
    var settings = settings
    settings.cluster.services = .all
    settings.cluster.role = .all
    let options = try PodOptions(settings)
    let progress = Progress("moving rows", unit: "rows", total: nil, console: console)
    var seen = 0
    let report = try ClusterGrowth(options.kafka, databases: options.databases).run { step in
      switch step {
      case .checked: break
      case .topic(let service):
        console.complain("kassa grow: the topic of \(service.name) has \(settings.partitions)\n")
      case .rows(let rows):
        seen = rows
        progress.advance(to: seen)
      case .stored(let service):
        console.complain("kassa grow: the database of \(service.name) has \(settings.partitions)\n")
      }
    }
    progress.finish(seen)
    guard let report else { return unchanged(settings.partitions, console) }
    let resumed = report.resumed.map { "\($0.name)" }.joined(separator: ", ")
    say(
      report.from, report.to,
      describe(report.rows) + (resumed.isEmpty ? "" : "; those of \(resumed) by an earlier run, which was cut short"),
      next: "kassa verify, then start all pods, with --partitions \(report.to)", console)
    return .success
  }

  private static func describe(_ rows: GrownRows) -> String {
    "\(rows.moved) of \(rows.seen), and \(rows.copied) copies of idempotency keys made"
  }

  private static func say(_ old: Int, _ new: Int, _ rows: String, next: String, _ console: Console) {
    console.say(
      """
      partitions        \(new), before \(old)
      rows moved        \(rows)
      next              \(next)

      """)
  }

  private static func unchanged(_ count: Int, _ console: Console) -> ExitCode {
    console.say("partitions        \(count), as before: nothing was changed\n")
    return .success
  }
}
