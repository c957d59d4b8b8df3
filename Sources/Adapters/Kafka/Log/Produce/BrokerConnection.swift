import Glibc
import Lanes

/// A lane's connection to one broker, opened again when needed. Lane-confined; after the lane's end, on the thread that
/// closes the log.
///
/// Its watch holds it until it is closed, so that the descriptor is closed after the watch.
final class BrokerConnection {
  /// Requests that may be unanswered. A broker handles them one after another.
  static let requestsMax = 5
  /// How long making a connection may take, including the first answer.
  static let dialMillisecondsMax: UInt64 = 3_000
  static let backOffMilliseconds: ClosedRange<UInt64> = 50...1_000
  /// How much is read before others on the lane get their turn.
  private static let readBytesPerWakeUpMax = 1 << 20

  enum Request {
    case versions
    case metadata
    case produce([ProduceBook.Sent])
  }

  enum Answer {
    case metadata(BrokerProtocol.Metadata)
    case placings([ProduceBook.Sent], [BrokerProtocol.Placing])
  }

  private struct Asked {
    let request: Request
    let correlation: Int32
    let since: UInt64
  }

  let endpoint: BrokerProtocol.Endpoint
  private unowned let owner: LaneProducer
  private var descriptor: SocketDescriptor?
  private var watch: FileWatch?
  private var events: FileEvents = .writable
  private var isConnecting = false
  /// Since when it is being dialled; nil once it is up, or down.
  private var diallingSince: UInt64?
  /// Which version of that request it knows; nil before it is up.
  private var metadataVersion: Int16?
  private var asked: [Asked] = []
  private var lastCorrelation: Int32 = 0
  /// Counts dials, so that the answer to an older address lookup is ignored.
  private var dials: UInt64 = 0
  private var downUntil: UInt64 = 0
  private var backOff = backOffMilliseconds.lowerBound
  private var reader = AnswerReader()
  /// The first `sent` bytes are gone.
  private var output: [UInt8] = []
  private var sent = 0

  init(_ endpoint: BrokerProtocol.Endpoint, _ owner: LaneProducer) {
    self.endpoint = endpoint
    self.owner = owner
  }

  var isReady: Bool { metadataVersion != nil }
  var hasRoom: Bool { isReady && asked.count < Self.requestsMax }
  /// Unanswered requests.
  var load: Int { asked.count }

  // MARK: Dialling

  /// Makes the connection if there is none, and it is not too early to try again.
  func dial(on lane: Lane, at now: UInt64) {
    guard descriptor == nil, diallingSince == nil, now >= downUntil else { return }
    dials &+= 1
    diallingSince = now
    if let address = SocketAddress(endpoint.host, endpoint.port) { return connect(address, on: lane) }
    lane.lookUp(endpoint.host) { [weak self, weak lane, dials] hosts in
      guard let self, let lane, dials == self.dials, diallingSince != nil, descriptor == nil else { return }
      // In turn if there are several.
      let host = hosts.isEmpty ? nil : hosts[Int(dials % UInt64(hosts.count))]
      guard let address = host.flatMap({ SocketAddress($0, self.endpoint.port) }) else {
        return lose("its name has no address")
      }
      connect(address, on: lane)
    }
  }

  private func connect(_ address: SocketAddress, on lane: Lane) {
    guard let descriptor = SocketDescriptor.make(address.family) else { return lose("cannot open a socket") }
    descriptor.sendAtOnce()
    descriptor.set(SOL_SOCKET, SO_KEEPALIVE, 1)
    let status = address.with { Glibc.connect(descriptor.number, $0, $1) }
    guard status == 0 || errno == EINPROGRESS || errno == EINTR else { return lose(Self.text(errno)) }
    self.descriptor = descriptor
    isConnecting = true
    events = .writable
    do throws(LaneFailure) {
      watch = try lane.watch(descriptor.number, for: events) { self.happened($0) }
    } catch {
      lose("cannot watch the socket")
    }
  }

  private static func text(_ failure: Int32) -> String { String(cString: strerror(failure)) }

  /// Ends it without a word.
  func close() {
    watch?.close()
    (watch, descriptor, metadataVersion, diallingSince) = (nil, nil, nil, nil)
    (reader, output, sent, asked) = (AnswerReader(), [], 0, [])
  }

  private func lose(_ reason: String) {
    guard diallingSince != nil || descriptor != nil else { return }
    let lost = asked.map(\.request)
    close()
    downUntil = LaneProducer.now + backOff
    backOff = min(2 * backOff, Self.backOffMilliseconds.upperBound)
    owner.connectionEnded(self, lost, reason)
  }

  /// Drops a connection that does not get established, or whose broker is silent.
  func check(at now: UInt64, silenceMilliseconds: UInt64) {
    if let since = diallingSince, now - min(since, now) > Self.dialMillisecondsMax { return lose("it does not answer") }
    guard let first = asked.first, now - min(first.since, now) > silenceMilliseconds else { return }
    lose("no answer for \(silenceMilliseconds) ms")
  }

  // MARK: Sending

  func askForMetadata(of topics: [String]) {
    guard let version = metadataVersion else { return }
    ask(.metadata, .metadata, version) { BrokerProtocol.metadata(of: topics, version, into: &$0) }
    transmit()
  }

  func produce(_ batches: [BrokerProtocol.TopicBatches], _ sent: [ProduceBook.Sent], timeoutMilliseconds: Int) {
    ask(.produce(sent), .produce, BrokerProtocol.produceVersion) {
      BrokerProtocol.produce(batches, timeoutMilliseconds: timeoutMilliseconds, into: &$0)
    }
    transmit()
  }

  private func ask(
    _ request: Request, _ kind: BrokerProtocol.Request, _ version: Int16, _ body: (inout [UInt8]) -> Void
  ) {
    lastCorrelation &+= 1
    asked.append(Asked(request: request, correlation: lastCorrelation, since: LaneProducer.now))
    BrokerProtocol.append(kind, version, lastCorrelation, client: owner.clientName, to: &output, body)
  }

  private func transmit() {
    guard let descriptor else { return }
    // The watch also reports a connection that has ended: whoever is sending must not be called back.
    sent = descriptor.send(output, from: sent) ?? sent
    if sent == output.count {
      output.removeAll(keepingCapacity: output.capacity <= 1 << 18)
      sent = 0
    }
    expect(output.isEmpty ? .readable : [.readable, .writable])
  }

  private func expect(_ wanted: FileEvents) {
    guard wanted != events, let watch else { return }
    events = wanted
    // A failed watch is closed, and the silence is noticed.
    try? watch.change(to: wanted)
  }

  // MARK: What happens

  private func happened(_ events: FileEvents) {
    guard !events.contains(.failed), let descriptor else { return lose("the connection ended") }
    if isConnecting {
      let failure = descriptor.failure
      guard failure == 0 else { return lose(Self.text(failure)) }
      isConnecting = false
      ask(.versions, .versions, 0) { _ in }
      return transmit()
    }
    if events.contains(.writable) { transmit() }
    if events.contains(.readable) { receive() }
  }

  /// Takes what has arrived.
  func receive() {
    guard let number = descriptor?.number, !isConnecting else { return }
    var total = 0
    var end: String?
    while end == nil, total < Self.readBytesPerWakeUpMax {
      let count = withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 1) { buffer in
        let count = recv(number, buffer.baseAddress, buffer.count, 0)
        if count > 0 {
          reader.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
          end = takeAnswers()
        }
        return count
      }
      if count == 0 { end = "the broker closed the connection" }
      if count < 0, errno != EAGAIN, errno != EWOULDBLOCK, errno != EINTR { end = Self.text(errno) }
      // The watch is level-triggered: what a short read left arrives with the next wake-up.
      guard count == 65_536 else { break }
      total += count
    }
    if let end { lose(end) }
    owner.answersTaken()
  }

  /// Returns why the connection ends.
  private func takeAnswers() -> String? {
    while true {
      switch reader.next() {
      case .incomplete: return nil
      case .rubbish: return Self.rubbish
      case .answer(let range):
        if let end = reader.withBytes(range, { take($0) }) { return end }
      }
    }
  }

  private static let rubbish = "it does not speak Kafka's protocol"

  private func take(_ bytes: UnsafeRawBufferPointer) -> String? {
    var cursor = BrokerCursor(bytes)
    guard let correlation: Int32 = cursor.number(), let first = asked.first, first.correlation == correlation else {
      return Self.rubbish
    }
    let answer: Answer
    switch first.request {
    case .versions:
      switch BrokerProtocol.verdict(&cursor) {
      case .rubbish: return Self.rubbish
      case .unfit: return "the broker lacks the protocol versions that appending needs"
      case .metadataVersion(let version): metadataVersion = version
      }
      asked.removeFirst()
      diallingSince = nil
      backOff = Self.backOffMilliseconds.lowerBound
      owner.connectionReady(self)
      return nil
    case .metadata:
      guard let version = metadataVersion, let metadata = BrokerProtocol.metadata(&cursor, version) else {
        return Self.rubbish
      }
      answer = .metadata(metadata)
    case .produce(let sent):
      guard let placings = BrokerProtocol.placings(&cursor) else { return Self.rubbish }
      answer = .placings(sent, placings)
    }
    guard owner.take(answer) else { return Self.rubbish }
    asked.removeFirst()
    return nil
  }
}
