import Ports
import Kafka
import Model
import Settings

/// `kassa topics`
enum TopicsCommand {
  static let page = CommandPage(
    name: "topics", usage: "create|check|describe|reassignment --brokers HOST:PORT",
    summary: "create Kassa's topics in Kafka, check them, or show them",
    text: [
      "create creates missing topics and leaves the others alone; check reports what is not as Kassa needs it, each "
        + "with the command that fixes it, and then fails; describe shows the topics as they are; reassignment prints "
        + "the file for kafka-reassign-partitions.sh that gives every partition its replicas.",
      "librdkafka's other settings, such as SASL and TLS, come from variables KASSA_RDKAFKA_NAME "
        + "(librdkafka's name in capitals, _ for .) or from lines rdkafka.NAME=VALUE of a file.",
    ],
    words: ["create", "check", "describe", "reassignment"],
    options: [
      CommandOption("brokers", "HOST:PORT,…", "addresses of the cluster's brokers; required"),
      CommandOption("prefix", "TEXT", "prefix of the topics' names; default: kassa."),
      CommandOption("partitions", "COUNT", "per topic, to begin with; default: \(ServeSettings.partitionsDefault)"),
      CommandOption("replication", "COUNT", "brokers that store each record; default: 3"),
      CommandOption("min-insync", "COUNT", "how many of them before a record counts as written; default: 2"),
      CommandOption("retention-hours", "HOURS", "minimum time to keep records; default: 168"),
      CommandOption(
        "ingest", "on|off|skip-lost", "whether other systems may write commands (docs/ingest.md); default: off"),
      CommandOption("timeout", "MILLISECONDS", "time for each query to the brokers; default: 10000"),
      CommandOption("properties", "FILE", "lines rdkafka.NAME=VALUE for librdkafka", completion: .files),
    ])

  static let command = Command(page: page) { arguments, program in
    let arguments = try Arguments(arguments, of: page)
    try arguments.expectRest(1...1, of: page)
    guard page.words.contains(arguments.rest[0]) else {
      throw UsageError("'\(arguments.rest[0])' is not an action: \(page.words.joined(separator: ", "))")
    }
    let options = try options(arguments, program.environment)
    let plan = try plan(arguments, options)
    let administration = try TopicAdministration(options)
    switch arguments.rest[0] {
    case "create": return try create(plan, administration, program.console)
    case "describe": return try describe(plan, administration, program.console)
    case "reassignment": return try reassign(plan, administration, program.console)
    default: return check(plan, try administration.describe(plan), program.console)
    }
  }

  private static func options(
    _ arguments: Arguments, _ environment: ProcessEnvironment
  ) throws -> KafkaOptions {
    guard let brokers = arguments.values["brokers"] else { throw UsageError("--brokers HOST:PORT is missing") }
    let count = try arguments.count("partitions", in: 1...4_096) ?? ServeSettings.partitionsDefault
    guard let partitioner = Partitioner(count: count) else { throw UsageError("--partitions cannot be \(count)") }
    var options = KafkaOptions(brokers: brokers, partitioner: partitioner)
    options.clientName = "kassa-topics"
    options.prefix = arguments.values["prefix"] ?? options.prefix
    options.queryTimeoutMilliseconds = try arguments.count("timeout", in: 100...300_000) ?? 10_000
    do {
      if let path = arguments.values["properties"] {
        try options.properties.take(lines: environment.readFile(path))
      }
      try options.properties.take(environment: environment.variables)
    } catch let failure as LogFailure {
      throw UsageError(failure.message)
    }
    if let contradiction = options.contradiction { throw UsageError(contradiction) }
    return options
  }

  private static func plan(_ arguments: Arguments, _ options: KafkaOptions) throws -> TopicPlan {
    var plan = TopicPlan(options)
    plan.replicationFactor = try arguments.count("replication", in: 1...32) ?? plan.replicationFactor
    plan.minInsyncReplicas =
      try arguments.count("min-insync", in: 1...32) ?? min(plan.minInsyncReplicas, plan.replicationFactor)
    plan.retentionHours = try arguments.count("retention-hours", in: 1...87_600) ?? plan.retentionHours
    switch arguments.values["ingest"] {
    case nil, "off": break
    // What pods do about lost records changes nothing of the topics; so jobs can pass on the pods' own setting.
    case "on", "skip-lost": plan.hasIngest = true
    case let other?: throw UsageError("--ingest is on, off or skip-lost, not '\(other)'")
    }
    if let contradiction = plan.contradiction { throw UsageError(contradiction) }
    return plan
  }

  private static func create(
    _ plan: TopicPlan, _ administration: TopicAdministration, _ console: Console
  ) throws -> ExitCode {
    let created = try administration.create(plan)
    for topic in plan.topics { console.say("\(topic)  \(created.contains(topic) ? "created" : "existed")\n") }
    return check(plan, try administration.describe(plan), console)
  }

  private static func check(_ plan: TopicPlan, _ state: TopicState, _ console: Console) -> ExitCode {
    let findings = plan.findings(state)
    for finding in findings { console.complain("kassa topics: \(finding)\n") }
    let isSound = findings.isEmpty
    console.say(isSound ? "the topics are as Kassa needs them\n" : "NOT AS NEEDED: \(findings.count) findings\n")
    return isSound ? .success : .failure
  }

  private static func describe(
    _ plan: TopicPlan, _ administration: TopicAdministration, _ console: Console
  ) throws -> ExitCode {
    let state = try administration.describe(plan)
    console.say("brokers  \(state.brokers.sorted().map(String.init).joined(separator: ", "))\n")
    for name in plan.topics {
      guard let topic = state.topics[name] else {
        console.say("\(name)  does not exist\n")
        continue
      }
      let leaders = topic.leaderless.isEmpty ? "" : ", \(topic.leaderless.count) without a leader"
      console.say("\(name)  \(topic.partitionCount) partitions on \(topic.replicationFactor) brokers\(leaders)\n")
      for setting in plan.settingNames(of: name) {
        console.say("  \(setting)  \(topic.settings[setting] ?? "unknown")\n")
      }
    }
    return .success
  }

  private static func reassign(
    _ plan: TopicPlan, _ administration: TopicAdministration, _ console: Console
  ) throws -> ExitCode {
    let state = try administration.describe(plan)
    guard let file = plan.reassignment(state) else {
      console.complain(
        "kassa topics: no partition lacks a replica that any of the \(state.brokers.count) brokers could hold\n")
      return .failure
    }
    console.say(file)
    return .success
  }
}
