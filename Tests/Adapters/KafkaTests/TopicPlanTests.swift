import Ports
import Model
import Testing

@testable import Kafka

/// What a plan says about topics, without a broker.
@Suite struct TopicPlanTests {
  private func plan() throws -> TopicPlan {
    TopicPlan(KafkaOptions(brokers: "kafka:9092", partitioner: try #require(Partitioner(count: 2))))
  }

  /// A topic as the plan wants it.
  private func topic(_ name: String, _ plan: TopicPlan) -> TopicDescription {
    let planned = plan.planned.first { $0.name == name }
    return TopicDescription(
      name: name, replicas: planned?.partitionCount == 1 ? [[1, 2, 3]] : [[1, 2, 3], [2, 3, 1]], leaderless: [],
      settings: Dictionary(uniqueKeysWithValues: (planned?.rules ?? []).map { ($0.name, $0.rule.value) }))
  }

  private func state(_ plan: TopicPlan, brokers: [Int32] = [1, 2, 3], _ change: (TopicDescription) -> TopicDescription)
    -> TopicState
  {
    TopicState(
      brokers: brokers,
      topics: Dictionary(uniqueKeysWithValues: plan.topics.map { ($0, change(topic($0, plan))) }))
  }

  @Test func nothingIsSaidAboutTopicsThatFit() throws {
    let plan = try plan()
    #expect(plan.findings(state(plan) { $0 }).isEmpty)
    #expect(plan.contradiction == nil)
    #expect(plan.settingNames(of: "kassa.stock") == plan.logRules.map(\.name))
    #expect(plan.settingNames(of: "kassa.owners").contains("segment.ms"))
    #expect(plan.settingNames(of: "others").isEmpty)
    #expect(plan.reassignment(state(plan) { $0 }) == nil)
  }

  @Test func aMissingTopicIsCreated() throws {
    let plan = try plan()
    let findings = plan.findings(TopicState(brokers: [1, 2, 3], topics: [:]))
    #expect(findings.map(\.topic) == ["kassa.orders", "kassa.stock", "kassa.payments", "kassa.owners"])
    #expect(
      findings[0].remedy == "kassa topics create --brokers kafka:9092 --prefix kassa. --partitions 2 --replication 3 "
        + "--min-insync 2 --retention-hours 168")
  }

  @Test(arguments: [
    ("retention.ms", "1000", 1), ("retention.ms", "-1", 0), ("retention.ms", "99999999999", 0),
    ("retention.bytes", "1073741824", 1), ("min.insync.replicas", "1", 1), ("min.insync.replicas", "3", 0),
    ("cleanup.policy", "compact", 1), ("cleanup.policy", "compact,delete", 1), ("compression.type", "zstd", 1),
    ("max.message.bytes", "900000", 1), ("max.message.bytes", "rubbish", 1), ("max.message.bytes", "1048588", 0),
    ("message.timestamp.type", "CreateTime", 1), ("unclean.leader.election.enable", "true", 1),
  ])
  func settingsAreJudged(name: String, value: String, findings count: Int) throws {
    let plan = try plan()
    let changed = state(plan) { topic in
      guard topic.name != "kassa.owners" else { return topic }
      return TopicDescription(
        name: topic.name, replicas: topic.replicas, leaderless: [],
        settings: topic.settings.merging([name: value]) { $1 })
    }
    let findings = plan.findings(changed)
    #expect(findings.count == 3 * count, "\(findings)")
    for finding in findings {
      #expect(finding.problem.contains("its \(name) is \(value)"))
      #expect(finding.remedy.hasPrefix("kafka-configs.sh --bootstrap-server kafka:9092 --alter --entity-type topics "))
    }
  }

  @Test func aSettingThatIsNotReportedIsNotTrusted() throws {
    let plan = try plan()
    let silent = state(plan) {
      TopicDescription(name: $0.name, replicas: $0.replicas, leaderless: [], settings: [:])
    }
    #expect(plan.findings(silent).count == plan.planned.map(\.rules.count).reduce(0, +))
  }

  @Test func ingestHasItsOwnTopics() throws {
    var plan = try plan()
    plan.hasIngest = true
    #expect(plan.findings(state(plan) { $0 }).isEmpty)
    let ingest = ["kassa.orders.ingest", "kassa.stock.ingest", "kassa.payments.ingest"]
    #expect(plan.topics.suffix(4) == ingest + ["kassa.refused"])
    #expect(plan.commandOptions.hasSuffix(" --ingest on"))
    let compacted = state(plan) { topic in
      TopicDescription(
        name: topic.name, replicas: topic.replicas, leaderless: [],
        settings: topic.settings.merging(topic.name.contains("ingest") ? ["cleanup.policy": "compact"] : [:]) { $1 })
    }
    #expect(plan.findings(compacted).map(\.topic) == ingest)
    for topic in ingest { #expect(plan.planned.first { $0.name == topic }?.partitionCount == 2) }
  }

  @Test func theMapOfOwnersIsCompacted() throws {
    let plan = try plan()
    let changed = state(plan) { topic in
      guard topic.name == "kassa.owners" else { return topic }
      return TopicDescription(
        name: topic.name, replicas: [[1, 2, 3], [2, 3, 1]], leaderless: [],
        settings: [
          "cleanup.policy": "delete", "min.insync.replicas": "2", "segment.ms": "600000",
          "min.cleanable.dirty.ratio": "0.1", "unclean.leader.election.enable": "false",
          "message.timestamp.type": "LogAppendTime",
        ])
    }
    let findings = plan.findings(changed)
    #expect(findings.count == 2 && findings.allSatisfy { $0.topic == "kassa.owners" })
    #expect(findings[0].problem.hasPrefix("it has 2 partitions, not 1"))
    #expect(
      findings[0].remedy == "kafka-topics.sh --bootstrap-server kafka:9092 --delete --topic kassa.owners && "
        + "kassa topics create \(plan.commandOptions)")
    #expect(
      findings[1].remedy == "kafka-configs.sh --bootstrap-server kafka:9092 --alter --entity-type topics "
        + "--entity-name kassa.owners --add-config cleanup.policy=compact")
  }

  @Test(arguments: [
    ("segment.ms", "604800000", 1), ("segment.ms", "600000", 0), ("segment.ms", "1000", 0), ("segment.ms", "-1", 1),
    ("segment.ms", "nan", 1), ("min.cleanable.dirty.ratio", "0.5", 1), ("min.cleanable.dirty.ratio", "0.01", 0),
    ("min.cleanable.dirty.ratio", "half", 1), ("cleanup.policy", "compact,delete", 1),
    ("min.insync.replicas", "1", 1), ("retention.ms", "1", 0), ("message.timestamp.type", "CreateTime", 1),
    ("unclean.leader.election.enable", "true", 1),
  ])
  func settingsOfTheMapAreJudged(name: String, value: String, findings count: Int) throws {
    let plan = try plan()
    let changed = state(plan) { topic in
      guard topic.name == "kassa.owners" else { return topic }
      return TopicDescription(
        name: topic.name, replicas: topic.replicas, leaderless: [],
        settings: topic.settings.merging([name: value]) { $1 })
    }
    let findings = plan.findings(changed)
    #expect(findings.count == count, "\(findings)")
    #expect(findings.allSatisfy { $0.problem.contains("its \(name) is \(value)") })
  }

  @Test func tooFewReplicasAreSpreadOverTheBrokers() throws {
    let plan = try plan()
    let thin = state(plan, brokers: [3, 1, 2]) {
      TopicDescription(name: $0.name, replicas: [[2], [1, 3]], leaderless: [1], settings: $0.settings)
    }
    let findings = plan.findings(thin)
    #expect(findings.count == 9, "the map of owners has two partitions here, too")
    #expect(findings[0].remedy.contains("kafka-reassign-partitions.sh"))
    #expect(findings[1].isPassing && findings[1].problem.contains("no leader: 1"))
    let file = try #require(plan.reassignment(thin))
    #expect(file.contains(#"{"topic":"kassa.orders","partition":0,"replicas":[2,1,3]}"#))
    #expect(file.contains(#"{"topic":"kassa.payments","partition":1,"replicas":[1,3,2]}"#))
    #expect(plan.reassignment(state(plan, brokers: [1]) { $0 }) == nil)
  }

  @Test func contradictionsAreReported() throws {
    var plan = try plan()
    plan.minInsyncReplicas = 4
    #expect(plan.contradiction != nil)
    plan.replicationFactor = 4
    #expect(plan.contradiction == nil)
    plan.retentionHours = 0
    #expect(plan.contradiction != nil)
  }
}
