import CRdKafka
import Ports
import Model
import Lanes

/// Looks at topics and creates them. Every call blocks, at most the options' `queryTimeoutMilliseconds` for each
/// query: not for lanes.
///
/// Asks as a consumer does: a producer's query would make brokers create a missing topic with their own defaults.
public final class TopicAdministration: Sendable {
  private let client: KafkaClient
  private let options: KafkaOptions

  /// - Throws: `LogFailure` if the options or properties make no sense.
  public init(_ options: KafkaOptions) throws(LogFailure) {
    self.options = options
    client = try KafkaClient(RD_KAFKA_CONSUMER, try KafkaConfiguration.reader(options), name: "topics")
  }

  private var timeout: Int32 { Int32(clamping: options.queryTimeoutMilliseconds) }

  // MARK: Looking

  /// The cluster's topics of a plan, as they are.
  /// - Throws: `LogFailure` if no broker answers, or one does not say.
  public func describe(_ plan: TopicPlan) throws(LogFailure) -> TopicState {
    var metadata: UnsafePointer<rd_kafka_metadata>?
    let code = rd_kafka_metadata(client.handle, 1, nil, &metadata, timeout)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR, let metadata else { throw unreachable("their topics", code) }
    defer { rd_kafka_metadata_destroy(metadata) }
    let all = metadata.pointee
    let brokers = UnsafeBufferPointer(start: all.brokers, count: Int(all.broker_cnt)).map(\.id)
    var found: [String: rd_kafka_metadata_topic] = [:]
    for topic in UnsafeBufferPointer(start: all.topics, count: Int(all.topic_cnt)) {
      let name = String(cString: topic.topic)
      let isThere = topic.err == RD_KAFKA_RESP_ERR_NO_ERROR || topic.err == RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE
      if plan.topics.contains(name), isThere { found[name] = topic }
    }
    let settings = try settings(of: found.keys.sorted())
    var topics: [String: TopicDescription] = [:]
    for (name, topic) in found { topics[name] = Self.description(name, topic, settings[name] ?? [:]) }
    return TopicState(brokers: brokers, topics: topics)
  }

  private static func description(
    _ name: String, _ topic: rd_kafka_metadata_topic, _ settings: [String: String]
  ) -> TopicDescription {
    let partitions = UnsafeBufferPointer(start: topic.partitions, count: Int(topic.partition_cnt))
      .sorted { $0.id < $1.id }
    return TopicDescription(
      name: name,
      replicas: partitions.map { Array(UnsafeBufferPointer(start: $0.replicas, count: Int($0.replica_cnt))) },
      leaderless: partitions.filter { $0.leader < 0 }.map { Int($0.id) }, settings: settings)
  }

  private func settings(of topics: [String]) throws(LogFailure) -> [String: [String: String]] {
    guard !topics.isEmpty else { return [:] }
    var resources = topics.map { rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, $0) }
    defer { rd_kafka_ConfigResource_destroy_array(&resources, resources.count) }
    return try ask("their topics' settings") { handle, queue in
      rd_kafka_DescribeConfigs(handle, &resources, resources.count, nil, queue)
    } read: { event in
      var all: [String: [String: String]] = [:]
      var count = 0
      let results = rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &count)
      for place in 0..<count {
        guard let resource = results?[place], let name = rd_kafka_ConfigResource_name(resource) else { continue }
        all[String(cString: name)] = Self.entries(of: resource)
      }
      return all
    }
  }

  private static func entries(of resource: OpaquePointer) -> [String: String] {
    var (count, entries): (Int, [String: String]) = (0, [:])
    let configs = rd_kafka_ConfigResource_configs(resource, &count)
    for place in 0..<count {
      guard let entry = configs?[place], let name = rd_kafka_ConfigEntry_name(entry),
        let value = rd_kafka_ConfigEntry_value(entry)
      else { continue }
      entries[String(cString: name)] = String(cString: value)
    }
    return entries
  }

  // MARK: Creating

  /// Creates the topics of a plan that are missing, and waits until they have leaders. What exists is left alone.
  /// - Returns: the names of those that it created.
  /// - Throws: `LogFailure` if the plan contradicts itself, or a broker refuses or does not answer.
  public func create(_ plan: TopicPlan) throws(LogFailure) -> [String] {
    if let contradiction = plan.contradiction { throw LogFailure(.settings, contradiction) }
    let known = try describe(plan).topics
    let missing = plan.planned.filter { known[$0.name] == nil }
    guard !missing.isEmpty else { return [] }
    var topics: [OpaquePointer?] = []
    defer { rd_kafka_NewTopic_destroy_array(&topics, topics.count) }
    for planned in missing {
      let topic = rd_kafka_NewTopic_new(
        planned.name, Int32(planned.partitionCount), Int32(plan.replicationFactor), nil, 0)
      for (setting, rule, _) in planned.rules { rd_kafka_NewTopic_set_config(topic, setting, rule.value) }
      topics.append(topic)
    }
    let refusals = try ask("whether they created topics") { handle, queue in
      rd_kafka_CreateTopics(handle, &topics, topics.count, nil, queue)
    } read: { event in
      Self.refusals(event)
    }
    if let refusal = refusals.first { throw LogFailure(.settings, refusal) }
    try waitForLeaders(plan)
    return missing.map(\.name)
  }

  private static func refusals(_ event: OpaquePointer) -> [String] {
    var (count, refusals): (Int, [String]) = (0, [])
    let results = rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count)
    for place in 0..<count {
      guard let result = results?[place] else { continue }
      let code = rd_kafka_topic_result_error(result)
      // Another pod was quicker.
      if code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS { continue }
      let why = rd_kafka_topic_result_error_string(result).map { String(cString: $0) } ?? KafkaLibrary.text(code)
      refusals.append("\(String(cString: rd_kafka_topic_result_name(result))) was not created: \(why)")
    }
    return refusals
  }

  /// - Parameter counts: partitions that topics have to have, where that is more than one.
  /// - Throws: `LogFailure` if a topic of the plan has too few partitions with leaders for too long.
  func waitForLeaders(_ plan: TopicPlan, counts: [String: Int] = [:]) throws(LogFailure) {
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(options.queryTimeoutMilliseconds)
    let pause = Signal()
    while true {
      let topics = try describe(plan).topics
      let isReady = plan.topics.allSatisfy { name in
        topics[name].map { $0.leaderless.isEmpty && $0.partitionCount >= counts[name] ?? 1 } ?? false
      }
      if isReady { return }
      guard clock.now < deadline else {
        throw LogFailure(
          .unreachable, "the topics were created but have no leaders yet; check again with kassa topics check")
      }
      // Nothing announces a leader.
      _ = pause.wait(milliseconds: KafkaReader.pauseMilliseconds)
    }
  }

  // MARK: Questions

  /// Asks the brokers something, and reads the answer's event.
  func ask<Answer>(
    _ what: String, _ request: (_ client: OpaquePointer, _ queue: OpaquePointer?) -> Void,
    read: (OpaquePointer) -> Answer
  ) throws(LogFailure) -> Answer {
    guard let queue = rd_kafka_queue_new(client.handle) else {
      throw LogFailure(.read, "no memory for a Kafka queue")
    }
    defer { rd_kafka_queue_destroy(queue) }
    request(client.handle, queue)
    guard let event = rd_kafka_queue_poll(queue, timeout) else {
      throw unreachable(what, RD_KAFKA_RESP_ERR__TIMED_OUT)
    }
    defer { rd_kafka_event_destroy(event) }
    let code = rd_kafka_event_error(event)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else { throw unreachable(what, code) }
    return read(event)
  }

  private func unreachable(_ what: String, _ code: rd_kafka_resp_err_t) -> LogFailure {
    LogFailure(
      .unreachable,
      "the brokers at \(options.brokers) do not report \(what): \(KafkaLibrary.text(code)); "
        + "check that one runs there, and the settings for TLS and logins")
  }
}
