extension TopicPlan {
  /// Everything that is not as planned; empty if Kassa can run on it.
  public func findings(_ state: TopicState) -> [TopicFinding] {
    planned.flatMap { planned -> [TopicFinding] in
      guard let topic = state.topics[planned.name] else { return [missing(planned.name, state)] }
      return [count(topic, planned), replication(topic, state), leaders(topic)].compactMap { $0 }
        + settings(topic, planned)
    }
  }

  private func missing(_ name: String, _ state: TopicState) -> TopicFinding {
    guard state.brokers.count >= replicationFactor else {
      return TopicFinding(
        topic: name,
        problem: "it does not exist, and the cluster has \(state.brokers.count) brokers where \(replicationFactor) "
          + "replicas are wanted",
        remedy: "kassa topics create \(with(replicas: state.brokers.count).commandOptions)")
    }
    return TopicFinding(topic: name, problem: "it does not exist", remedy: "kassa topics create \(commandOptions)")
  }

  /// The same plan for a smaller cluster.
  private func with(replicas count: Int) -> TopicPlan {
    var plan = self
    plan.replicationFactor = max(count, 1)
    plan.minInsyncReplicas = min(minInsyncReplicas, max(count - 1, 1))
    return plan
  }

  private func count(_ topic: TopicDescription, _ planned: Planned) -> TopicFinding? {
    guard topic.partitionCount != planned.partitionCount else { return nil }
    guard planned.name != KafkaOptions.ownersTopic(prefix: prefix) else {
      return TopicFinding(
        topic: topic.name,
        problem: "it has \(topic.partitionCount) partitions, not \(planned.partitionCount); pods announce again "
          + "whatever it holds",
        remedy: "kafka-topics.sh --bootstrap-server \(brokers) --delete --topic \(topic.name) && "
          + "kassa topics create \(commandOptions)")
    }
    return TopicFinding(
      topic: topic.name,
      problem: "it has \(topic.partitionCount) partitions, not \(partitionCount): run Kassa with "
        + "--partitions \(topic.partitionCount) (kassa grow gives a shop more, and can be continued), "
        + "or, if the topic holds nothing that is needed, delete it and create it again",
      remedy: "kafka-topics.sh --bootstrap-server \(brokers) --delete --topic \(topic.name) && "
        + "kassa topics create \(commandOptions)")
  }

  private func replication(_ topic: TopicDescription, _ state: TopicState) -> TopicFinding? {
    guard topic.replicationFactor < replicationFactor else { return nil }
    let problem = "it has \(topic.replicationFactor) replicas, not \(replicationFactor)"
    guard state.brokers.count >= replicationFactor else {
      return TopicFinding(
        topic: topic.name, problem: "\(problem), and the cluster has \(state.brokers.count) brokers",
        remedy: "kassa topics check \(with(replicas: state.brokers.count).commandOptions)")
    }
    return TopicFinding(
      topic: topic.name, problem: problem,
      remedy: "kassa topics reassignment \(commandOptions) >kassa-replicas.json && "
        + "kafka-reassign-partitions.sh --bootstrap-server \(brokers) "
        + "--reassignment-json-file kassa-replicas.json --execute")
  }

  private func leaders(_ topic: TopicDescription) -> TopicFinding? {
    guard !topic.leaderless.isEmpty else { return nil }
    let some = topic.leaderless.prefix(8).map(String.init).joined(separator: ", ")
    return TopicFinding(
      topic: topic.name, problem: "\(topic.leaderless.count) of its partitions have no leader: \(some)",
      remedy: "This passes when the brokers that have them are back.", isPassing: true)
  }

  private func settings(_ topic: TopicDescription, _ planned: Planned) -> [TopicFinding] {
    planned.rules.compactMap { name, rule, why in
      let value = topic.settings[name]
      if let value, rule.allows(value) { return nil }
      return TopicFinding(
        topic: topic.name,
        problem: "its \(name) is \(value ?? "unknown"), and must be \(rule.text): \(why)",
        remedy: "kafka-configs.sh --bootstrap-server \(brokers) --alter --entity-type topics "
          + "--entity-name \(topic.name) --add-config \(name)=\(rule.value)")
    }
  }

  /// The file for `kafka-reassign-partitions.sh` that gives every partition as many replicas as planned: those it
  /// has stay, the others are spread over the brokers. nil if no replica is missing, or too many brokers are.
  public func reassignment(_ state: TopicState) -> String? {
    let brokers = state.brokers.sorted()
    guard brokers.count >= replicationFactor else { return nil }
    var lines: [String] = []
    for name in topics {
      for (partition, replicas) in (state.topics[name]?.replicas ?? []).enumerated()
      where replicas.count < replicationFactor {
        var replicas = replicas
        for step in brokers.indices where replicas.count < replicationFactor {
          let broker = brokers[(partition + step) % brokers.count]
          if !replicas.contains(broker) { replicas.append(broker) }
        }
        let list = replicas.map(String.init).joined(separator: ",")
        lines.append(#"{"topic":"\#(name)","partition":\#(partition),"replicas":[\#(list)]}"#)
      }
    }
    guard !lines.isEmpty else { return nil }
    return #"{"version":1,"partitions":[\#n"# + lines.joined(separator: ",\n") + "\n]}\n"
  }
}
