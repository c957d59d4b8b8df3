import LoadGenerator
import OperatorClient
import Settings

/// `kassa partitions`
enum PartitionsCommand {
  static let page = CommandPage(
    name: "partitions", usage: "[HOST:PORT]",
    summary: "show who owns each partition and how it stands, asking any pod",
    text: [
      "Asks the operator port of a pod, whichever, or of an embedded server: the one of the argument, of "
        + "KASSA_OPERATOR, or 127.0.0.1:9000. Of a cluster it takes the map of owners from there and asks every pod's "
        + "operator port how its partitions stand; ports that mean every address are asked where the pod's peers "
        + "find it.",
      "For each partition: the owner, its epoch, whether it replays, runs, waits for the store or is stopped, the "
        + "records that it has not applied yet, for how long its oldest change waits for a checkpoint, changed "
        + "entities that wait for one, checkouts that wait for stock, and the offsets applied and checkpointed. Where "
        + "an owner cannot be asked, only what the map says of its partitions is shown, marked (map).",
      "Fails when a partition belongs to nobody, is stopped or waits for the store, or when its owner cannot be asked.",
    ],
    options: [
      CommandOption("json", nil, "write JSON"),
      CommandOption("api-key-file", "FILE", "holds an API key with the scope operator, where the ports need one"),
      CommandOption("timeout", "MILLISECONDS", "for the answers of all pods; default: 5000"),
    ])

  static let command = Command(page: page) { arguments, program in
    let arguments = try Arguments(arguments, of: page)
    try arguments.expectRest(0...1, of: page)
    var client = OperatorClient()
    client.timeoutMilliseconds = try arguments.count("timeout", in: 10...600_000) ?? client.timeoutMilliseconds
    do throws(LoadError) {
      if let file = arguments.values["api-key-file"] { client.apiKey = try APIKeyFile.key(file, program.environment) }
    } catch {
      throw UsageError(error.description)
    }
    let endpoint = try endpoint(arguments.rest.first, program.environment.variables["KASSA_OPERATOR"])
    let overview = try PartitionOverview(asking: endpoint, client)
    let isJSON = arguments.switches.contains("json")
    program.console.say(isJSON ? String(decoding: overview.json, as: UTF8.self) : overview.table)
    for finding in overview.findings { program.console.complain("kassa partitions: \(finding)\n") }
    return overview.findings.isEmpty ? .success : .failure
  }

  /// - Parameters:
  ///   - argument: the one on the command line.
  ///   - variable: the address a pod in this environment would listen on; every address means this machine.
  private static func endpoint(_ argument: String?, _ variable: String?) throws(UsageError) -> Endpoint {
    let text = argument ?? variable ?? "127.0.0.1:9000"
    guard let endpoint = Endpoint(text), endpoint.port > 0 else {
      throw UsageError("'\(text)' is no address of an operator port: HOST:PORT")
    }
    return endpoint.onThisMachine
  }
}
