import Foundation
import Settings
import Synchronization
import TestSupport
import Testing

@testable import kassa

/// Remembers what a program says.
final class Recorder: Sendable {
  private let said = Mutex((out: "", err: ""))

  var out: String { said.withLock(\.out) }
  var err: String { said.withLock(\.err) }

  func console(isTerminal: Bool = false) -> Console {
    Console(
      say: { text in self.said.withLock { $0.out += text } },
      complain: { text in self.said.withLock { $0.err += text } },
      isTerminal: isTerminal)
  }
}

@Suite struct ProgramTests {
  private let recorder = Recorder()

  private func run(_ arguments: [String], _ environment: [String: String] = [:]) -> ExitCode {
    let readFile = ProcessEnvironment.process.readFile
    return Program(
      console: recorder.console(), environment: ProcessEnvironment(variables: environment, readFile: readFile)
    ).run(arguments)
  }

  @Test(arguments: [["version"], ["--version"], ["-V"]])
  func version(_ arguments: [String]) {
    #expect(run(arguments) == .success && recorder.out == "kassa \(kassaVersion)\n" && recorder.err.isEmpty)
  }

  @Test func helpListsEveryCommand() {
    #expect(run(["help"]) == .success)
    for command in CommandTable.all { #expect(recorder.out.contains("  \(command.page.name) ")) }
    #expect(run(["help", "nothing"]) == .usage)
  }

  @Test func everyCommandHasHelp() {
    for command in CommandTable.all {
      #expect(run([command.page.name, "--help"]) == .success)
      #expect(recorder.out.contains("kassa \(command.page.name) — \(command.page.summary)"))
    }
  }

  @Test(arguments: [
    ([], "Usage: kassa COMMAND"),
    (["setings"], "kassa: there is no command 'setings'; did you mean settings?\n"),
    (["xyzzy"], "kassa: there is no command 'xyzzy'\n"),
    (["problems", "out_of_stok"], "kassa: there is no problem 'out_of_stok'; did you mean out_of_stock?\n"),
    (["problems", "xyzzy"], "kassa: there is no problem 'xyzzy'\n"),
    (["version", "now"], "kassa: 'now' is unexpected: kassa version \n"),
    (["version", "--jsn"], "kassa: version has no option --jsn\n"),
    (["bench"], "kassa: an argument is missing: kassa bench SCENARIO [OPTION]…\n"),
    (["bench", "warm"], "kassa: 'warm' is not a scenario: checkout, hot"),
    (["bench", "hot", "--sead", "3"], "kassa: bench has no option --sead; did you mean --seed?\n"),
    (["bench", "hot", "--orders", "many"], "kassa: --orders cannot be 'many': expected a whole number\n"),
    (["bench", "hot", "--url", "ftp://shop"], "kassa: the URL \"ftp://shop\" does not start with http://"),
    (
      ["bench", "hot", "--api-key-file", "/nowhere/k"], "kassa: --api-key-file: /nowhere/k cannot be read: No such file"
    ),
    (["bench", "hot", "--api-key-file", "/dev/null"], "kassa: the file of the API key must hold one key"),
    (["completions"], "kassa: an argument is missing: kassa completions bash|zsh|fish\n"),
    (["completions", "tcsh"], "kassa: there are completions for bash, zsh, fish\n"),
    (["partitions", "9000"], "kassa: '9000' is not an operator port's address: HOST:PORT\n"),
    (["partitions", "127.0.0.1:0"], "kassa: '127.0.0.1:0' is not an operator port's address: HOST:PORT\n"),
    (["partitions", "--timeout", "0"], "kassa: --timeout cannot be '0': 10…600000\n"),
    (["health", "now"], "kassa: 'now' is unexpected: kassa health [--operator HOST:PORT] [--live]\n"),
    (["health", "--operator", "9000"], "kassa: operator cannot be '9000' (flag): a name or an IP address"),
    (["health", "--operator", "127.0.0.1:0"], "kassa: port 0 of operator means any free one"),
    (["health", "--timeout", "0"], "kassa: --timeout cannot be '0': 10…600000\n"),
    (
      ["quarantine", "orders-0", "1", "--database", "x", "--database-file", "y"],
      "kassa: --database and --database-file are both given: leave one out\n"
    ),
    (
      ["quarantine", "orders-0", "1", "--database-file", "/nowhere/db"],
      "kassa: --database-file: /nowhere/db cannot be read: No such file or directory\n"
    ),
    (["quarantine", "orders-0", "1", "--database-file", "/dev/null"], "/dev/null is empty: it must hold the secret\n"),
    (["verify"], "kassa: a folder is missing: kassa verify FOLDER, or kassa verify --mode cluster [SETTING]…\n"),
    (["verify", "a", "--lanes", "2", "b"], "kassa: 'b' is unexpected: kassa verify [FOLDER] [SETTING]…\n"),
    (["verify", "--mode", "cluster"], "kassa: Cluster mode needs kafka-brokers."),
    (["backup"], "kassa: an argument is missing: kassa backup [--data FOLDER] [--no-verify] TARGET\n"),
    (["backup", "a", "b"], "kassa: 'b' is unexpected: kassa backup [--data FOLDER] [--no-verify] TARGET\n"),
    (["restore", "a"], "kassa: an argument is missing: kassa restore [--no-verify] BACKUP DATA\n"),
    (["restore", "--data", "a", "b"], "kassa: restore has no option --data"),
    (["inspect", "order"], "kassa: expected a kind and an ID: kassa inspect order|item|user|partition|request ID"),
    (
      ["inspect", "house", "1"],
      "kassa: 'house' cannot be inspected; order, item, user, partition, record and request can\n"
    ),
    (["inspect", "record", "orders-0"], "kassa: expected a partition and an offset: kassa inspect record PARTITION"),
    (["inspect", "record", "orders-0", "-1"], "kassa: '-1' is not an offset: a whole number, at least 0\n"),
    (
      [
        "inspect", "record", "orders-0", "1", "--mode", "cluster", "--kafka-brokers", "127.0.0.1:1",
        "--postgres-orders", "a", "--postgres-stock", "b",
      ],
      "needs postgres-payments"
    ),
    (["inspect", "--data", "a", "order", "a.b"], "kassa: 'a.b' is not an id: 1 to 64 of A–Z a–z 0–9 _ -\n"),
    (["quarantine", "orders-0"], "kassa: an argument is missing: kassa quarantine PARTITION OFFSET|NUMBER\n"),
    (["quarantine", "orders-0", "-1"], "kassa: '-1' is not an offset: a whole number, at least 0\n"),
    (
      ["quarantine", "orders-0", "0", "--database", "x"],
      "kassa: '0' is not a record's number: a whole number, at least 1\n"
    ),
    (
      ["quarantine", "orders-0", "1", "--data", "d", "--database", "x"],
      "kassa: --data and --database exclude each other\n"
    ),
    (["quarantine", "basket-0", "1", "--database", "x"], "kassa: there is no partition 'basket-0'; orders-0 is one\n"),
    (["settings", "--partitons", "1"], "kassa: no setting is called --partitons; did you mean --partitions?\n"),
    (["settings", "--lanes", "0", "--partitions", "0"], "kassa: partitions cannot be '0' (flag): 1…256\n"),
  ])
  func usageErrors(_ arguments: [String], _ words: String) {
    #expect(run(arguments) == .usage && recorder.out.isEmpty)
    #expect(recorder.err.contains(words), "\(recorder.err)")
  }

  @Test func problemsExplainsCodes() {
    #expect(run(["problems", "out_of_stock", "starting"]) == .success)
    #expect(recorder.out.hasPrefix("## out_of_stock\n\n409: The item is out of stock. "))
    #expect(recorder.out.contains("\n\n## starting\n\n503: "))
    #expect(run(["problems"]) == .success && recorder.out.contains("\n# Problems\n"))
  }

  @Test func settingsShowValuesAndOrigins() {
    #expect(run(["settings", "--lanes", "3"], ["KASSA_DATA": "a\"b"]) == .success)
    let rows = recorder.out.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
    #expect(rows.contains(["lanes", "3", "flag"]) && rows.contains(["data", "a\"b", "environment"]))
    #expect(rows.contains(["tls-key", "-", "default"]) && rows.count == SettingsTable.all.count)
  }

  @Test func verifyNamesTheDatabaseThatIsNotGiven() {
    let pod = ["KASSA_MODE": "cluster", "KASSA_SERVICE": "stock", "KASSA_KAFKA_BROKERS": "127.0.0.1:1"]
    #expect(run(["verify", "--postgres-stock", "host=/nowhere"], pod) == .failure && recorder.out.isEmpty)
    #expect(recorder.err == "kassa verify: postgres-orders: it is not given\n", "\(recorder.err)")
  }

  @Test func partitionsNamesTheAddressItAsked() {
    #expect(run(["partitions"], ["KASSA_OPERATOR": "0.0.0.0:1"]) == .failure && recorder.out.isEmpty)
    #expect(recorder.err == "kassa partitions: 127.0.0.1:1 reports no partitions: Connection refused\n")
  }

  @Test func healthNamesTheAddressThatNobodyListensAt() {
    #expect(run(["health"], ["KASSA_OPERATOR": "0.0.0.0:1"]) == .failure && recorder.out.isEmpty)
    #expect(recorder.err == "kassa health: 127.0.0.1:1 does not answer /readyz: Connection refused\n")
  }

  /// What serve would refuse is no matter of the health check.
  @Test func healthLooksAtNoOtherSetting() throws {
    let folder = try TemporaryFolder()
    let file = folder.path + "/kassa.env"
    let text = "KASSA_LANES=0\nKASSA_NOTHING=1\nnonsense\nKASSA_OPERATOR=127.0.0.1:1\n"
    try Data(text.utf8).write(to: URL(filePath: file))
    let environment = ["KASSA_CONFIG": file, "KASSA_MODE": "x", "KASSA_REDIS_FILE": "/nowhere", "KASSA_THING": "x"]
    #expect(run(["health", "--live"], environment) == .failure)
    #expect(recorder.err == "kassa health: 127.0.0.1:1 does not answer /livez: Connection refused\n")
  }

  @Test func settingsAsJSON() {
    #expect(run(["settings", "--json"], ["KASSA_DATA": "a\"b\n"]) == .success)
    let line = #"{"name":"data","value":"a\"b\u000a","origin":"environment","variable":"KASSA_DATA"}"#
    #expect(recorder.out.contains(line) && recorder.out.contains(#"{"name":"tls-key","value":null,"#))
  }

  @Test func unreadableSettingsFileIsAUsageError() {
    #expect(run(["settings", "--config", "/nowhere/kassa.env"]) == .usage)
    #expect(recorder.err.contains("/nowhere/kassa.env cannot be read: No such file or directory"))
  }

  @Test func serveGetsTheSettingsAndItsFailureIsShown() {
    struct Broken: Error, CustomStringConvertible { let description: String }
    let command = ServeCommand.command { settings, _ in
      throw Broken(description: "port \(settings.http.port) is taken")
    }
    let program = Program(
      console: recorder.console(), environment: ProcessEnvironment(variables: [:], readFile: { _ in "" }))
    #expect(throws: Broken.self) { try command.run(["--http", "127.0.0.1:81"], program) }
    #expect(throws: SettingsError.self) { try command.run(["--http", "81"], program) }
  }

  @Test func serveEndsWithItsExitCode() throws {
    let command = ServeCommand.command { _, _ in .diskFailed }
    let program = Program(
      console: recorder.console(), environment: ProcessEnvironment(variables: [:], readFile: { _ in "" }))
    #expect(try command.run([], program) == .diskFailed)
  }

  @Test func argumentsAreDivided() throws {
    let page = CommandPage(
      name: "c", usage: "", summary: "", options: [CommandOption("n", "COUNT", ""), CommandOption("all", nil, "")])
    let arguments = try Arguments(["a", "--n=5", "--all", "-x"], of: page)
    #expect(arguments.rest == ["a", "-x"] && arguments.switches == ["all"])
    #expect(try arguments.count("n", in: 1...5) == 5 && arguments.count("m", in: 1...5) == nil)
    #expect(throws: UsageError.self) { try arguments.count("n", in: 1...4) }
    for wrong in [["--n"], ["--n", "--all"], ["--all=1"], ["--n", "1", "--n", "2"], ["--m"]] {
      #expect(throws: UsageError.self) { try Arguments(wrong, of: page) }
    }
  }
}
