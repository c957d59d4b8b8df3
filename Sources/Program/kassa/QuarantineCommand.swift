import Audit
import Model
import PartitionCore
import Postgres
import Settings

/// `kassa quarantine`
enum QuarantineCommand {
  static let page = CommandPage(
    name: "quarantine", usage: "PARTITION OFFSET|NUMBER",
    summary: "let a stopped partition skip what stops it in a record",
    text: [
      "Sets aside what stops a partition (orders-0, stock-3, payments-7) of a data folder: the one entry of the record "
        + "at OFFSET that cannot be applied. /readyz, the log's line about the stop and kassa inspect partition show "
        + "the offset; no other is accepted. A record whose bytes cannot be decoded is refused: it is unknown which "
        + "numbers it used, so log and store must be restored from a backup.",
      "What is set aside will never happen, including its effects on other partitions. Its bytes and the reason are "
        + "kept in the folder; kassa inspect partition shows them. Keep a copy of the folder first, and run kassa "
        + "verify afterwards.",
      "The server must not be running: a folder in use is refused.",
      "In a cluster, --database names the database of the partition's service, or --database-file a file that contains "
        + "it, and NUMBER identifies the record, as in /readyz, the line about the stop and kassa inspect: the "
        + "database notes what to skip, and the topic is not changed. Then restart the pod that owns the partition; "
        + "kassa partitions shows it. Only what cannot be applied is skipped, so another record's number does no harm; "
        + "a record that cannot be decoded still stops the partition.",
    ],
    options: [
      CommandOption("data", "FOLDER", "the data folder; default: data", completion: .folders),
      CommandOption("database", "CONNECTION", "in a cluster: libpq's connection string of the service's database"),
      CommandOption(
        "database-file", "FILE", "in a cluster: a file with the connection string, which keeps its password secret",
        completion: .files),
      CommandOption("note", "TEXT", "a note to keep with it: who decided, and why"),
    ])

  static let command = Command(page: page) { arguments, program in
    let arguments = try Arguments(arguments, of: page)
    try arguments.expectRest(2...2, of: page)
    let (name, text) = (arguments.rest[0], arguments.rest[1])
    let note = arguments.values["note"] ?? ""
    if let database = try database(arguments, program.environment) {
      guard arguments.values["data"] == nil else { throw UsageError("--data and --database exclude each other") }
      guard let partition = partition(named: name) else {
        throw UsageError("there is no partition '\(name)'; orders-0 is one")
      }
      guard let number = UInt64(text), (1...UInt64(Int64.max)).contains(number) else {
        throw UsageError("'\(text)' is not a record's number: a whole number, at least 1")
      }
      try PostgresQuarantine.add(partition, record: number, note: note, to: database)
      program.console.say(
        "noted       what cannot be applied in record \(number) of \(name) will be skipped\n"
          + "next        restart the pod that owns \(name)\n")
      return .success
    }
    guard let offset = Int64(text), offset >= 0 else {
      throw UsageError("'\(text)' is not an offset: a whole number, at least 0")
    }
    let progress = Progress("reading the log", unit: "records", total: nil, console: program.console)
    var read = 0
    let report = try FolderQuarantine.run(
      path: arguments.values["data"] ?? "data", partition: name, offset: offset, note: note
    ) {
      read = $0
      progress.advance(to: read)
    }
    progress.finish(read)
    program.console.say(describe(report, offset, of: name))
    return .success
  }

  /// The connection string from the command line or from the file it names; nil if it names neither.
  private static func database(_ arguments: Arguments, _ environment: ProcessEnvironment) throws(UsageError) -> String?
  {
    guard let path = arguments.values["database-file"] else { return arguments.values["database"] }
    guard arguments.values["database"] == nil else {
      throw UsageError("--database and --database-file are both given: leave one out")
    }
    let text: String
    do { text = try environment.readFile(path) } catch {
      throw UsageError("--database-file: \(path) cannot be read: \(error)")
    }
    switch SecretText.of(file: text) {
    case .success(let value): return value
    case .failure(let problem): throw UsageError("--database-file: \(path) \(problem)")
    }
  }

  private static func partition(named name: String) -> PartitionID? {
    guard let dash = name.lastIndex(of: "-"), let index = UInt16(name[name.index(after: dash)...]),
      let service = Service.allCases.first(where: { $0.name.description == name[..<dash] })
    else { return nil }
    return PartitionID(service, index)
  }

  private static func describe(_ report: FolderQuarantine.Report, _ offset: Int64, of name: String) -> String {
    let status =
      switch report.status {
      case .running: "the log can be applied to its end, offset \(report.newestOffset)"
      case .stopped(let next, let reason): "stops again at offset \(next): \(reason)"
      case .broken(let next, let reason): "breaks off at offset \(next): \(reason)"
      case .superseded(let next, let epoch): "is taken over at offset \(next) by epoch \(epoch)"
      }
    return "set aside   entry \(report.entry) of the record at offset \(offset) of \(name): \(report.reason)\n"
      + "status      \(status)\n"
  }
}
