import Ports
import Model

/// The topics that Kassa needs, as they must be.
public struct TopicPlan: Hashable, Sendable {
  public let brokers: String
  public let prefix: String
  /// For each service's topic. Chosen once: another count would send keys to partitions other than their state's.
  public let partitionCount: Int
  /// Bytes that a topic must accept in one record.
  public let recordBytesMax: Int
  /// How many brokers store each record.
  public var replicationFactor = 3
  /// How many of them before it counts as written; one less than `replicationFactor` lets one broker be away.
  public var minInsyncReplicas = 2
  /// How long records are kept at least: longer than a store may ever be behind.
  public var retentionHours = 168
  /// Whether other systems may write commands: then there are topics for them, and one for what is refused.
  public var hasIngest = false

  public init(_ options: KafkaOptions) {
    brokers = options.brokers
    prefix = options.prefix
    partitionCount = options.partitioner.count
    recordBytesMax = options.recordBytesMax + KafkaOptions.recordOverheadBytesMax
  }

  /// A sentence about what contradicts itself.
  public var contradiction: String? {
    if !(1...32).contains(replicationFactor) { return "the replication factor must be 1…32" }
    if !(1...replicationFactor).contains(minInsyncReplicas) {
      return "the replicas in sync must be at least 1 and at most the replication factor (\(replicationFactor))"
    }
    if !(1...87_600).contains(retentionHours) { return "the retention must be 1…87600 hours" }
    return nil
  }

  /// One topic as it must be.
  struct Planned {
    let name: String
    let partitionCount: Int
    /// Its settings, with why.
    let rules: [(name: String, rule: Rule, why: String)]
  }

  var planned: [Planned] {
    let logs = Service.allCases.map {
      Planned(name: "\(prefix)\($0.name)", partitionCount: partitionCount, rules: logRules)
    }
    return logs + [Planned(name: KafkaOptions.ownersTopic(prefix: prefix), partitionCount: 1, rules: ownersRules)]
      + (hasIngest ? ingest : [])
  }

  private var ingest: [Planned] {
    Service.allCases.map {
      Planned(
        name: KafkaOptions.ingestTopic(of: $0, prefix: prefix), partitionCount: partitionCount, rules: ingestRules)
    } + [Planned(name: KafkaOptions.refusedTopic(prefix: prefix), partitionCount: 1, rules: refusedRules)]
  }

  public var topics: [String] { planned.map(\.name) }

  /// What a topic's setting must be.
  enum Rule: Hashable, Sendable {
    case exactly(String)
    case atLeast(Int64)
    /// -1 stands for no bound.
    case atLeastOrUnbounded(Int64)
    /// A number, as the brokers get it.
    case atMost(String)

    /// What a new topic gets.
    var value: String {
      switch self {
      case .exactly(let value), .atMost(let value): value
      case .atLeast(let least), .atLeastOrUnbounded(let least): String(least)
      }
    }

    func allows(_ value: String) -> Bool {
      switch self {
      case .exactly(let wanted): value == wanted
      case .atLeast(let least): Int64(value).map { $0 >= least } ?? false
      case .atLeastOrUnbounded(let least): Int64(value).map { $0 >= least || $0 == -1 } ?? false
      case .atMost(let most):
        if let most = Double(most), let value = Double(value) { (0...most).contains(value) } else { false }
      }
    }

    var text: String {
      switch self {
      case .exactly(let value): value
      case .atLeast(let least): "at least \(least)"
      case .atLeastOrUnbounded(let least): "at least \(least), or -1"
      case .atMost(let most): "at most \(most)"
      }
    }
  }

  /// The settings of a topic that Kassa cares about.
  public func settingNames(of topic: String) -> [String] {
    planned.first { $0.name == topic }?.rules.map(\.name) ?? []
  }

  /// What every topic needs.
  private var commonRules: [(name: String, rule: Rule, why: String)] {
    [
      (
        "min.insync.replicas", .atLeast(Int64(minInsyncReplicas)),
        "what is acknowledged must survive the loss of a broker"
      ),
      (
        "unclean.leader.election.enable", .exactly("false"),
        "a leader that was not in sync lacks records that were acknowledged"
      ),
      (
        "message.timestamp.type", .exactly("LogAppendTime"),
        "brokers refuse records timestamped by a pod whose clock is ahead"
      ),
    ]
  }

  /// What the map of owners needs: the newest record of each key forever, and few others, as every pod reads them all
  /// when it starts. Brokers compact only closed segments, and by default close one a week.
  private var ownersRules: [(name: String, rule: Rule, why: String)] {
    [
      ("cleanup.policy", .exactly("compact"), "only the newest record of each pod and partition is needed"),
      ("segment.ms", .atMost("600000"), "only closed segments are compacted, and a starting pod reads all of it"),
      ("min.cleanable.dirty.ratio", .atMost("0.1"), "it is compacted when a tenth is new, not when half is"),
    ] + commonRules
  }

  /// What the log of a service needs.
  var logRules: [(name: String, rule: Rule, why: String)] {
    [
      ("cleanup.policy", .exactly("delete"), "a compacted topic has gaps, and a partition stops at a gap"),
      (
        "retention.ms", .atLeastOrUnbounded(Int64(retentionHours) * 3_600_000),
        "a replay needs what is not checkpointed"
      ),
      ("retention.bytes", .exactly("-1"), "a bound of bytes removes records that a replay still needs"),
      ("max.message.bytes", .atLeast(Int64(recordBytesMax)), "a message that the topic refuses stops its sender"),
      ("compression.type", .exactly("producer"), "brokers that compress again spend time on every record"),
    ] + commonRules
  }

  /// What topics need that other systems write commands to.
  private var ingestRules: [(name: String, rule: Rule, why: String)] {
    [
      ("cleanup.policy", .exactly("delete"), "compaction removes commands that were not taken"),
      (
        "retention.ms", .atLeastOrUnbounded(Int64(retentionHours) * 3_600_000),
        "a partition's ingest stops if a command is removed before it was taken"
      ),
      ("retention.bytes", .exactly("-1"), "a bound of bytes removes commands that were not taken"),
    ] + commonRules
  }

  /// What the topic of refused commands needs.
  private var refusedRules: [(name: String, rule: Rule, why: String)] {
    [
      ("cleanup.policy", .exactly("delete"), "compaction removes all but the newest of a key"),
      (
        "retention.ms", .atLeastOrUnbounded(Int64(retentionHours) * 3_600_000),
        "someone needs time to look at what was refused"
      ),
      (
        "max.message.bytes", .atLeast(Int64(recordBytesMax)),
        "no further command is taken while a refused one cannot be written"
      ),
    ] + commonRules
  }

  /// The options of `kassa topics` that mean this plan.
  public var commandOptions: String {
    "--brokers \(brokers) --prefix \(prefix) --partitions \(partitionCount) --replication \(replicationFactor) "
      + "--min-insync \(minInsyncReplicas) --retention-hours \(retentionHours)" + (hasIngest ? " --ingest on" : "")
  }
}

/// A topic as it is.
public struct TopicDescription: Hashable, Sendable {
  public let name: String
  /// By partition: the ids of the brokers that have it.
  public let replicas: [[Int32]]
  /// Partitions without a leader: they take no records at the moment.
  public let leaderless: [Int]
  public let settings: [String: String]

  public init(name: String, replicas: [[Int32]], leaderless: [Int], settings: [String: String]) {
    self.name = name
    self.replicas = replicas
    self.leaderless = leaderless
    self.settings = settings
  }

  public var partitionCount: Int { replicas.count }
  public var replicationFactor: Int { replicas.map(\.count).min() ?? 0 }
}

/// What is wrong with a topic, and how to fix it.
public struct TopicFinding: Hashable, Sendable, CustomStringConvertible {
  public let topic: String
  /// A sentence without a full stop.
  public let problem: String
  /// The command that fixes it, to be run as it is; if no command can, what to do.
  public let remedy: String
  /// Whether it may end by itself.
  public var isPassing = false

  public var description: String { "\(topic): \(problem). \(isPassing ? "" : "Fix it with:  ")\(remedy)" }
}

/// A cluster's topics as they are.
public struct TopicState: Hashable, Sendable {
  public let brokers: [Int32]
  /// By name; only those of the plan.
  public let topics: [String: TopicDescription]

  public init(brokers: [Int32], topics: [String: TopicDescription]) {
    self.brokers = brokers
    self.topics = topics
  }
}
