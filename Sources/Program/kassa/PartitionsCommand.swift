import LoadGenerator
import OperatorClient
import Settings

/// `kassa partitions`
enum PartitionsCommand {
  static let page = CommandPage(
    name: "partitions", usage: "[HOST:PORT]",
    summary: "show each partition's owner and state, asking any pod",
    text: [
      "Queries the operator port of any pod, or of an embedded server: the argument's, KASSA_OPERATOR's, or "
        + "127.0.0.1:9000. In a cluster it takes the map of owners from there and queries every pod's operator port "
        + "about its partitions; ports that mean every address are queried where the pod's peers find it.",
      "For each partition: the owner, its epoch, whether it replays, runs, waits for the store or is stopped, the "
        + "records not applied yet, how long its oldest change has waited for a checkpoint, changed entities waiting "
        + "for one, checkouts waiting for stock, and the offsets applied and checkpointed; with "
        + "ingest, how many records of its ingest topic are not durable in it. If an owner cannot be "
        + "queried, only the map's data about its partitions is shown, marked (map).",
      "Fails if a partition has no owner, is stopped or waits for the store, if its ingest has stopped, or if its "
        + "owner cannot be queried.",
    ],
    options: [
      CommandOption("json", nil, "write JSON"),
      CommandOption("api-key-file", "FILE", "holds an API key with the scope operator:read, if the ports need one"),
      CommandOption("timeout", "MILLISECONDS", "time for the answers of all pods; default: 5000"),
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
      throw UsageError("'\(text)' is not an operator port's address: HOST:PORT")
    }
    return endpoint.onThisMachine
  }
}
