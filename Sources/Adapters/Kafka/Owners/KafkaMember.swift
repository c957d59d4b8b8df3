import CRdKafka
import Ports
import Lanes
import Model
import Synchronization

/// What a group decided about a member.
public enum MembershipEvent: Hashable, Sendable {
  /// These partitions are the member's now, and no others.
  case assigned([PartitionID])
  /// Nothing is the member's now; an assignment follows. `isLost`: others may already own it.
  case revoked(isLost: Bool)
  /// Something is wrong that may be temporary.
  case trouble(String)
}

/// This process as a member of a service's consumer group: it takes part in the assignment, reads nothing, and commits
/// nothing. Dynamic, eager, `range`.
///
/// Reading is `KafkaLog`'s, partition by partition, and does not stop for a rebalance: who reads and writes is decided
/// by the epochs in the log and the store, and the group only proposes an owner. So the member accepts every
/// assignment and revocation at once, and a rebalance takes as long as its slowest member's heartbeat, not its work.
public final class KafkaMember: Sendable {
  public let service: Service
  private let options: KafkaOptions
  private let client: KafkaClient
  private let wake: WakeDescriptor
  private let queue: Mutex<QueueHandle?>
  private let counts = Mutex(Statistics())

  /// What the group has decided since the member joined.
  public struct Statistics: Hashable, Sendable {
    public var assignments: UInt64 = 0
    public var revocations: UInt64 = 0
    /// Revocations that came after others could own the partitions.
    public var losses: UInt64 = 0
    public var troubles: UInt64 = 0
    /// Partitions the member has now.
    public var partitions = 0
    /// Its session ended without a word from the group, and it has not been let in again.
    public var isLost = false
  }

  /// A librdkafka queue, released once.
  ///
  /// `@unchecked Sendable` is safe: the handle is constant, and librdkafka's calls on it may come from any thread.
  private final class QueueHandle: @unchecked Sendable {
    let pointer: OpaquePointer
    init(_ pointer: OpaquePointer) { self.pointer = pointer }
    deinit {
      rd_kafka_queue_io_event_enable(pointer, -1, nil, 0)
      rd_kafka_queue_destroy(pointer)
    }
  }

  /// Joins the group of `service`; waits for no broker.
  /// - Throws: `LogFailure` if the options or properties make no sense.
  public init(_ options: KafkaOptions, of service: Service) throws(LogFailure) {
    self.options = options
    self.service = service
    wake = try WakeDescriptor()
    let configuration = try KafkaConfiguration.member(options, of: service)
    client = try KafkaClient(RD_KAFKA_CONSUMER, configuration, name: "member of \(options.group(of: service))")
    rd_kafka_poll_set_consumer(client.handle)
    guard let events = rd_kafka_queue_get_consumer(client.handle) else {
      throw LogFailure(.read, "no memory for a Kafka queue")
    }
    queue = Mutex(QueueHandle(events))
    wake.arm(events)
    try join()
  }

  // MARK: Being a member

  /// Joins the group again, after `stepAside`; waits for no broker.
  /// - Throws: `LogFailure` if the library refuses it.
  public func join() throws(LogFailure) {
    let topics = rd_kafka_topic_partition_list_new(1)
    defer { rd_kafka_topic_partition_list_destroy(topics) }
    rd_kafka_topic_partition_list_add(topics, options.topic(of: service), RD_KAFKA_PARTITION_UA)
    let code = rd_kafka_subscribe(client.handle, topics)
    guard code == RD_KAFKA_RESP_ERR_NO_ERROR else {
      throw LogFailure(.settings, "could not join the group: \(KafkaLibrary.text(code))")
    }
  }

  /// Leaves the group until `join`, so that others get the partitions; waits for no broker. Their revocation comes as
  /// an event.
  public func stepAside() { rd_kafka_unsubscribe(client.handle) }

  /// Wakes a lane, for a turn, when there is something for `takeEvents`. On the lane or before its start.
  public func attach(to lane: Lane) throws(LaneFailure) {
    let wake = wake
    _ = try lane.watch(wake.descriptor, for: .readable) { _ in wake.clear() }
  }

  /// The member's name in the group, chosen by the brokers; empty before the first join.
  public var id: String {
    guard let text = rd_kafka_memberid(client.handle) else { return "" }
    defer { rd_kafka_mem_free(client.handle, text) }
    return String(cString: text)
  }

  /// Waits until there may be something for `takeEvents`, on a thread that may block, if no lane watches.
  public func waitForEvents(milliseconds: Int) { wake.wait(milliseconds: milliseconds) }

  /// What the group decided since the last call; accepts it.
  public func takeEvents() -> [MembershipEvent] {
    guard let queue = queue.withLock({ $0 }) else { return [] }
    var events: [MembershipEvent] = []
    while client.nextEvent(of: queue.pointer, { if let event = take($0) { events.append(event) } }) {}
    if !events.isEmpty {
      counts.withLock { counts in
        for event in events { counts.add(event) }
      }
    }
    return events
  }

  public var statistics: Statistics { counts.withLock { $0 } }

  private func take(_ event: OpaquePointer) -> MembershipEvent? {
    guard rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE else {
      if case .trouble(_, let text)? = client.news(event) { return .trouble(text) }
      return nil
    }
    switch rd_kafka_event_error(event) {
    case RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS:
      let partitions = partitions(rd_kafka_event_topic_partition_list(event))
      // Accepted, but read elsewhere: the client itself gets nothing to fetch.
      let nothing = rd_kafka_topic_partition_list_new(0)
      rd_kafka_assign(client.handle, nothing)
      rd_kafka_topic_partition_list_destroy(nothing)
      return .assigned(partitions)
    case RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS:
      let isLost = rd_kafka_assignment_lost(client.handle) != 0
      rd_kafka_assign(client.handle, nil)
      return .revoked(isLost: isLost)
    case let code:
      rd_kafka_assign(client.handle, nil)
      return .trouble(KafkaLibrary.text(code))
    }
  }

  private func partitions(_ list: UnsafeMutablePointer<rd_kafka_topic_partition_list_t>?) -> [PartitionID] {
    guard let list = list?.pointee, list.cnt > 0 else { return [] }
    return UnsafeBufferPointer(start: list.elems, count: Int(list.cnt)).compactMap { element in
      guard (0..<options.partitioner.count).contains(Int(element.partition)) else { return nil }
      return PartitionID(service, UInt16(element.partition))
    }
    .sorted()
  }

  /// Leaves the group, so that the partitions go to others at once, not when the session times out. Blocking, at
  /// most `closeTimeoutMilliseconds`. The lane it is attached to must have ended, or no longer call it.
  public func leave() {
    guard
      let own = queue.withLock({ queue in
        defer { queue = nil }; return queue
      })
    else { return }
    let error = rd_kafka_consumer_close_queue(client.handle, own.pointer)
    if let error { rd_kafka_error_destroy(error) }
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(options.closeTimeoutMilliseconds)
    while rd_kafka_consumer_closed(client.handle) == 0, clock.now < deadline {
      guard let event = rd_kafka_queue_poll(own.pointer, 20) else { continue }
      if rd_kafka_event_type(event) == RD_KAFKA_EVENT_REBALANCE { rd_kafka_assign(client.handle, nil) }
      rd_kafka_event_destroy(event)
    }
  }
}

extension KafkaMember.Statistics {
  mutating func add(_ event: MembershipEvent) {
    switch event {
    case .assigned(let partitions):
      assignments += 1
      self.partitions = partitions.count
      isLost = false
    case .revoked(let isLost):
      revocations += 1
      if isLost { losses += 1 }
      self.isLost = isLost
      partitions = 0
    case .trouble: troubles += 1
    }
  }
}
