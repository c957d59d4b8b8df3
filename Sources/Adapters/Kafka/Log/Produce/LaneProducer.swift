import CRdKafka
import Clocks
import Ports
import Glibc
import Lanes
import Model

/// Kassa's own producer for one lane: plain connections on the lane's loop, one to each broker that leads partitions.
/// What the lane appends in a turn for one broker is one request and one write.
///
/// `@unchecked Sendable` is safe: it is lane-confined, and after `laneEnded` belongs to the thread that closes the log.
final class LaneProducer: RecordSender, @unchecked Sendable {
  /// Brokers that a lane may be connected to.
  static let connectionsMax = 256
  static let tickMilliseconds: UInt64 = 50
  /// How often metadata may be asked for, how long a broker has to answer, and how old it may get.
  static let metadataIntervalMilliseconds: UInt64 = 100
  static let metadataAnswerMilliseconds: UInt64 = 1_000
  static let metadataAgeMilliseconds: UInt64 = 300_000
  /// How much may wait to be reported to the operator.
  static let newsMax = 64

  private unowned let lane: Lane
  private let name: String
  let clientName: String
  private let topics: [String]
  private let bootstrap: [BrokerProtocol.Endpoint]
  private let timeLimit: Int
  private let silenceMilliseconds: UInt64
  private var book: ProduceBook
  private var connections: [BrokerProtocol.Endpoint: BrokerConnection] = [:]
  /// By the brokers' numbers.
  private var brokers: [Int32: BrokerProtocol.Endpoint] = [:]
  private var news: [KafkaEvent] = []
  /// Those whose trouble was reported to the operator since they were last up.
  private var troubled: Set<BrokerProtocol.Endpoint> = []
  private(set) var requestCount: UInt64 = 0
  private var isLaneOver = false
  /// The next of those that may know who leads what.
  private var rotation = 0
  private var metadataAskedAt: UInt64?
  private var isMetadataAwaited = false

  /// Starts to connect. On the lane, or before it starts.
  init(
    _ options: KafkaOptions, _ bootstrap: [BrokerProtocol.Endpoint], lane place: Int, on lane: Lane,
    silenceMilliseconds: Int = KafkaOptions.silenceMillisecondsMax
  ) {
    self.lane = lane
    self.bootstrap = bootstrap
    self.silenceMilliseconds = UInt64(max(silenceMilliseconds, 1))
    name = "lane \(place)"
    clientName = options.clientName
    timeLimit = options.commandTimeoutMilliseconds
    topics = Service.allCases.map { options.topic(of: $0) }
    book = ProduceBook(
      topics: topics, partitionCount: options.partitioner.count, timeLimitMilliseconds: timeLimit,
      batchBytesMax: options.recordBytesMax)
    lane.every(milliseconds: Self.tickMilliseconds) { [weak self] in self?.tick() }
    tick()
  }

  /// Ends after the lane or on it: the watches are gone, or may be closed.
  deinit { for connection in connections.values { connection.close() } }

  /// Milliseconds of a monotonic clock.
  static var now: UInt64 { UInt64(clamping: MonotonicClock.milliseconds) }

  // MARK: RecordSender

  func send(_ bytes: [UInt8], to partition: PartitionID, tag: UInt) -> rd_kafka_resp_err_t? {
    book.add(bytes, to: partition, tag: tag, at: Self.now) ? nil : RD_KAFKA_RESP_ERR__QUEUE_FULL
  }

  func flush() {
    guard !book.isIdle, !isLaneOver else { return }
    let now = Self.now
    for leader in book.leaders(at: now) {
      guard let endpoint = brokers[leader], let connection = connection(to: endpoint) else { continue }
      connection.dial(on: lane, at: now)
      while connection.hasRoom {
        var batches: [BrokerProtocol.TopicBatches] = []
        let time = WallClock.milliseconds
        let sent = book.take(for: leader, at: now, time: time, into: &batches)
        guard !sent.isEmpty else { break }
        requestCount += 1
        connection.produce(batches, sent, timeoutMilliseconds: timeLimit)
      }
    }
    refreshMetadata(at: now)
  }

  func takeReports(_ countMax: Int, into reports: inout [DeliveryReport], _ news: inout [KafkaEvent]) -> Bool {
    if isLaneOver {
      // Nobody else looks at the sockets now.
      for connection in connections.values { connection.receive() }
      book.expire(at: Self.now)
    }
    reports += book.takeReports()
    news += self.news
    self.news = []
    return false
  }

  func laneEnded() { isLaneOver = true }

  // MARK: Connections

  private func connection(to endpoint: BrokerProtocol.Endpoint) -> BrokerConnection? {
    if let connection = connections[endpoint] { return connection }
    guard connections.count < Self.connectionsMax else { return nil }
    let connection = BrokerConnection(endpoint, self)
    connections[endpoint] = connection
    return connection
  }

  private func tick() {
    let now = Self.now
    for connection in Array(connections.values) { connection.check(at: now, silenceMilliseconds: silenceMilliseconds) }
    book.expire(at: now)
    if metadataAskedAt.map({ now - min($0, now) > Self.metadataAgeMilliseconds }) ?? false { book.wantsMetadata = true }
    refreshMetadata(at: now)
    flush()
  }

  /// Asks the least busy broker who leads what, if that is needed; makes connections until one is up.
  private func refreshMetadata(at now: UInt64) {
    guard book.wantsMetadata, !isLaneOver else { return }
    if let at = metadataAskedAt {
      let passed = now - min(at, now)
      guard passed >= (isMetadataAwaited ? Self.metadataAnswerMilliseconds : Self.metadataIntervalMilliseconds) else {
        return
      }
    }
    let asked = connections.values.filter(\.hasRoom).min { $0.load < $1.load }
    if let asked {
      metadataAskedAt = now
      isMetadataAwaited = true
      asked.askForMetadata(of: topics)
    }
    // Having asked one that has not answered is no reason not to ask another.
    guard asked == nil || asked?.load ?? 0 > 1 else { return }
    let known = bootstrap + brokers.values.sorted { ($0.host, $0.port) < ($1.host, $1.port) }
    rotation += 1
    connection(to: known[rotation % known.count])?.dial(on: lane, at: now)
  }

  func connectionReady(_ connection: BrokerConnection) {
    troubled.remove(connection.endpoint)
    refreshMetadata(at: Self.now)
  }

  func connectionEnded(_ connection: BrokerConnection, _ lost: [BrokerConnection.Request], _ reason: String) {
    for request in lost {
      switch request {
      case .versions: break
      case .metadata:
        isMetadataAwaited = false
        book.wantsMetadata = true
      case .produce(let sent): book.lose(sent, at: Self.now)
      }
    }
    // Brokers end unused connections.
    guard !lost.isEmpty || !book.isIdle || brokers.isEmpty else { return }
    book.wantsMetadata = true
    if troubled.insert(connection.endpoint).inserted { reportTrouble("\(connection.endpoint): \(reason)") }
  }

  private func reportTrouble(_ text: String) {
    if news.count < Self.newsMax { news.append(.trouble(client: name, text: text)) }
  }

  /// - Returns: false if it cannot be the answer to what was asked.
  func take(_ answer: BrokerConnection.Answer) -> Bool {
    switch answer {
    case .placings(let sent, let placings): return book.settle(sent, placings, at: Self.now)
    case .metadata(let metadata):
      isMetadataAwaited = false
      // A broker that has just started may not know of any.
      guard !metadata.brokers.isEmpty else { return true }
      learn(metadata)
      return true
    }
  }

  private func learn(_ metadata: BrokerProtocol.Metadata) {
    brokers = metadata.brokers
    book.learn(metadata)
    guard !isLaneOver else { return }
    let known = Set(brokers.values)
    // Not the one that this answer came over: its broker ends it in time.
    for (endpoint, connection) in connections where !known.contains(endpoint) && connection.load == 0 {
      connection.close()
      connections[endpoint] = nil
    }
    troubled.formIntersection(known.union(bootstrap))
    let leading = Set(metadata.topics.flatMap(\.leaders.values)).compactMap { brokers[$0] }
    for endpoint in leading { connection(to: endpoint)?.dial(on: lane, at: Self.now) }
  }

  /// All answers that arrived together were taken: there may be room for what waits.
  func answersTaken() { flush() }
}

extension BrokerProtocol.Endpoint {
  static let defaultPort: UInt16 = 9_092

  /// Reads `HOST:PORT`, several separated by commas, an IPv6 address in brackets; nil for what Kassa's own client
  /// cannot use.
  static func list(_ text: String) -> [Self]? {
    var list: [Self] = []
    for part in text.split(separator: ",") {
      var rest = part.trimmingPrefix { $0 == " " }
      while rest.last == " " { rest.removeLast() }
      if rest.lowercased().hasPrefix("plaintext://") { rest.removeFirst(12) }
      guard let endpoint = one(rest) else { return nil }
      list.append(endpoint)
    }
    return list.isEmpty ? nil : list
  }

  private static func one(_ text: Substring) -> Self? {
    var (host, port) = (text, Substring(""))
    if text.first == "[" {
      guard let end = text.firstIndex(of: "]") else { return nil }
      host = text[text.index(after: text.startIndex)..<end]
      port = text[text.index(after: end)...]
    } else if let colon = text.firstIndex(of: ":") {
      (host, port) = (text[..<colon], text[colon...])
    }
    guard !host.isEmpty, !host.contains(where: { "/ []".contains($0) }) else { return nil }
    guard !port.isEmpty else { return Self(host: String(host), port: defaultPort) }
    guard port.first == ":", let number = UInt16(port.dropFirst()), number > 0 else { return nil }
    return Self(host: String(host), port: number)
  }
}
