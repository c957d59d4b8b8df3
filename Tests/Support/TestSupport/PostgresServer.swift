import Foundation

/// A PostgreSQL server of its own, with fsync on, reached by a socket in its folder. It ends, and its folder goes, with
/// the last reference or with this process, however that ends.
public final class PostgresServer: @unchecked Sendable {
  // Safe: what changes is touched under `lock` alone.
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  /// For tests that only need a database of their own.
  public static func shared() throws -> PostgresServer { try sharedResult.get() }
  private static let sharedResult = Result { try PostgresServer() }

  /// Owns the databases that `makeDatabase` makes; may do nothing else.
  public static let role = "shop"

  public let folder: String
  private let programs: String
  private let lock = NSLock()
  private var running: (process: Process, input: Pipe)?
  private var databaseCount = 0

  public init() throws {
    programs = try Self.findPrograms()
    folder = FileManager.default.temporaryDirectory.path + "/kassa-pg-\(UUID().uuidString.prefix(13))"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    if geteuid() == 0 { try Self.run(["chown", Self.systemUser, folder], in: "/") }
    let arguments = ["-D", "\(folder)/data", "-A", "trust", "-U", "admin", "-E", "UTF8", "--locale=C", "--no-sync"]
    try Self.run(Self.asServer + ["\(programs)/initdb"] + arguments, in: folder)
    try start()
    try sql("CREATE ROLE \(Self.role) LOGIN")
  }

  deinit {
    lock.withLock {
      guard let running else { return }
      try? running.input.fileHandleForWriting.close()
      running.process.waitUntilExit()
    }
    try? FileManager.default.removeItem(atPath: folder)
  }

  /// PostgreSQL refuses to run as root.
  private static let systemUser = "postgres"
  private static let asServer =
    geteuid() == 0 ? ["setpriv", "--reuid=\(systemUser)", "--regid=\(systemUser)", "--clear-groups"] : []

  private static func findPrograms() throws -> String {
    let parent = "/usr/lib/postgresql"
    let versions = (try? FileManager.default.contentsOfDirectory(atPath: parent)) ?? []
    let folders = versions.sorted { (Double($0) ?? 0) > (Double($1) ?? 0) }.map { "\(parent)/\($0)/bin" }
    let found = folders.first { folder in
      ["initdb", "postgres", "psql"].allSatisfy { FileManager.default.isExecutableFile(atPath: "\(folder)/\($0)") }
    }
    guard let found else {
      throw Failure(
        description: "no PostgreSQL server in \(parent)/*/bin: install it with scripts/system-packages --for test")
    }
    return found
  }

  // MARK: Starting and ending

  /// Bash, because it waits for a process even where the signal of its end is blocked, as it is in a thread of tests.
  /// It reads until its input ends, which it does with the process that holds the other side; the word "keep" spares
  /// the folder.
  private static let keeper = """
    "$1/postgres" -D "$2/data" -c listen_addresses= -c unix_socket_directories="$2" -c max_connections=60 \
      -c shared_buffers=64MB -c wal_level=minimal -c max_wal_senders=0 -c logging_collector=off \
      </dev/null >>"$2/server.log" 2>&1 &
    server=$!
    read -r word
    kill -QUIT $server
    wait $server
    [ "$word" = keep ] || rm -rf "$2"
    """

  /// Starts it, and waits until it answers.
  public func start() throws {
    try lock.withLock {
      guard running == nil else { return }
      let process = Process()
      let input = Pipe()
      process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
      process.arguments = Self.asServer + ["bash", "-c", Self.keeper, "keeper", programs, folder]
      process.currentDirectoryURL = URL(fileURLWithPath: folder)
      process.standardInput = input
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      try? input.fileHandleForReading.close()
      running = (process, input)
    }
    guard eventually({ (try? sql("SELECT 1")) != nil }) else {
      let log = (try? String(contentsOfFile: "\(folder)/server.log", encoding: .utf8)) ?? ""
      throw Failure(description: "PostgreSQL does not start: \(log.suffix(2_000))")
    }
  }

  /// Ends it as `pg_ctl -m immediate` does, which is as a crash is: nothing is flushed, clients are cut.
  public func crash() {
    lock.withLock {
      guard let running else { return }
      try? running.input.fileHandleForWriting.write(contentsOf: Data("keep\n".utf8))
      try? running.input.fileHandleForWriting.close()
      running.process.waitUntilExit()
      self.running = nil
    }
  }

  /// The pid of the server's first process.
  public var pid: Int32? {
    let text = try? String(contentsOfFile: "\(folder)/data/postmaster.pid", encoding: .utf8)
    return text.flatMap { $0.split(separator: "\n").first }.flatMap { Int32($0) }
  }

  /// The CPU time of the server's living processes, in seconds.
  public var cpuSeconds: Double {
    guard let pid else { return 0 }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    var ticks = 0
    for process in names.compactMap({ Int32($0) }) {
      let text = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
      // Behind the name: state, parent, …; the 12th and 13th are the ticks in user and system mode.
      let fields = text.split(separator: ")").last?.split(separator: " ") ?? []
      guard fields.count > 12, process == pid || Int32(fields[1]) == pid else { continue }
      ticks += (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0)
    }
    return Double(ticks) / Double(sysconf(Int32(_SC_CLK_TCK)))
  }

  // MARK: Databases

  /// The path of the server's socket.
  public var socketPath: String { "\(folder)/.s.PGSQL.5432" }

  /// How libpq reaches a database.
  public func connection(to database: String, user: String = role) -> String {
    "host=\(folder) port=5432 user=\(user) dbname=\(database)"
  }

  /// Makes an empty database that `role` owns; returns its name.
  public func makeDatabase(_ options: String = "") throws -> String {
    let number = lock.withLock {
      databaseCount += 1
      return databaseCount
    }
    try sql("CREATE DATABASE test_\(number) OWNER \(Self.role) \(options)")
    return "test_\(number)"
  }

  /// Runs a statement as the server's administrator; returns what psql prints: a line a row, columns divided by `|`.
  @discardableResult
  public func sql(_ text: String, in database: String = "postgres", as user: String = "admin") throws -> String {
    try Self.run(
      [
        "\(programs)/psql", "-h", folder, "-p", "5432", "-U", user, "-w", "-d", database, "-XAtq", "-v",
        "ON_ERROR_STOP=1",
        "-c", text,
      ], in: folder)
  }

  /// From now on a role has to know its password; the others need none.
  public func requirePassword(of role: String) throws {
    let path = "\(folder)/data/pg_hba.conf"
    let rules = try String(contentsOfFile: path, encoding: .utf8)
    try "local all \(role) scram-sha-256\n\(rules)".write(toFile: path, atomically: false, encoding: .utf8)
    try sql("SELECT pg_reload_conf()")
    // The server reads the file a little later.
    guard eventually({ (try? sql("SELECT 1", as: role)) == nil }) else {
      throw Failure(description: "PostgreSQL still lets \(role) in without a password")
    }
  }

  @discardableResult
  private static func run(_ command: [String], in folder: String) throws -> String {
    let process = Process()
    let output = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = command
    process.currentDirectoryURL = URL(fileURLWithPath: folder)
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = output
    try process.run()
    let said = String(decoding: output.readAll(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw Failure(description: "\(command.joined(separator: " ")) failed: \(said)")
    }
    return said.trimmingCharacters(in: .newlines)
  }
}
