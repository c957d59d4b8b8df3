import EventLog
import Model
import OwnershipMap
import Synchronization
import Threads
import Wire

/// The map of owners on a compacted topic with one partition: every pod reads all of it, and writes what it owns.
///
/// One thread reads and writes. While the brokers are away the newest map stays; what was announced meanwhile is sent
/// when they are back.
public final class KafkaOwnershipMap: OwnershipMap {
  /// Of this run of the pod: see `AnnouncementCodec.incarnation`.
  public let incarnation: UInt64
  private let name: String
  private let topic: OwnersTopic
  private let wake: WakeDescriptor
  private let options: KafkaOptions
  private let report: @Sendable (KafkaEvent) -> Void
  private let changes = Atomic<UInt64>(1)
  private let state: Mutex<State>
  private let isEnding = Atomic<Bool>(false)
  private let thread = Mutex<BackgroundThread?>(nil)

  private struct State: Sendable {
    var snapshot = OwnershipSnapshot()
    var followers: [@Sendable () -> Void] = []
    var book = AnnouncementBook()
    var isRubbishTold = false
  }

  /// Looked for trouble so often when nothing happens.
  private static let lookMilliseconds = 1_000
  /// The tag of records about the pod itself; owners' begin behind it.
  private static let podTag: UInt = 1

  /// Announces the pod, and reads the map up to there. Blocking, at most twice the options' `queryTimeoutMilliseconds`.
  ///
  /// - Parameters:
  ///   - pod: what is announced; its incarnation is not looked at, the map gives it one.
  ///   - report: called on any thread, must not block.
  /// - Throws: `LogFailure` when the brokers do not answer in time or refuse.
  public init(
    options: KafkaOptions, pod: PodAnnouncement, report: @escaping @Sendable (KafkaEvent) -> Void
  ) throws(LogFailure) {
    self.options = options
    self.report = report
    name = pod.name
    wake = try WakeDescriptor()
    topic = try OwnersTopic(options, wake: wake)
    let nonce = UInt32.random(in: 0..<AnnouncementCodec.noncesMax)
    let value = AnnouncementCodec.encode(pod, nonce: nonce)
    let offset = try Self.write(AnnouncementCodec.key(ofPod: pod.name), value, to: topic, wake, options, report)
    incarnation = AnnouncementCodec.incarnation(offset: offset, nonce: nonce)
    var state = State()
    try Self.read(through: offset, of: topic, wake, options, report, into: &state)
    self.state = Mutex(state)
    guard let started = BackgroundThread("owners", { [self] in follow() }) else {
      throw LogFailure(.read, "the system gives no thread for the map of owners")
    }
    thread.withLock { $0 = started }
  }

  /// Writes a record and waits for it. Returns its offset.
  private static func write(
    _ key: String, _ value: [UInt8]?, to topic: OwnersTopic, _ wake: WakeDescriptor, _ options: KafkaOptions,
    _ report: (KafkaEvent) -> Void
  ) throws(LogFailure) -> Int64 {
    if let reason = topic.send(key: key, value: value, tag: podTag) {
      throw LogFailure(.unreachable, "\(options.ownersTopic): \(reason)")
    }
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(options.queryTimeoutMilliseconds)
    while clock.now < deadline {
      if let answer = topic.takeReports(report).first(where: { $0.tag == podTag }) {
        guard let offset = answer.offset else {
          throw LogFailure(.unreachable, "\(options.ownersTopic): \(answer.reason)")
        }
        return offset
      }
      wake.wait(milliseconds: KafkaReader.pauseMilliseconds)
    }
    throw LogFailure(.unreachable, "no broker of \(options.brokers) takes a record of \(options.ownersTopic)")
  }

  private static func read(
    through offset: Int64, of topic: OwnersTopic, _ wake: WakeDescriptor, _ options: KafkaOptions,
    _ report: (KafkaEvent) -> Void, into state: inout State
  ) throws(LogFailure) {
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(options.queryTimeoutMilliseconds)
    while clock.now < deadline {
      let rows = topic.takeRows(report)
      for row in rows { _ = apply(row, to: &state, report) }
      if rows.contains(where: { $0.offset >= offset }) { return }
      if rows.isEmpty { wake.wait(milliseconds: KafkaReader.pauseMilliseconds) }
    }
    throw LogFailure(.unreachable, "no broker of \(options.brokers) tells what stands in \(options.ownersTopic)")
  }

  /// Returns whether the map changed.
  private static func apply(_ row: OwnersTopic.Row, to state: inout State, _ report: (KafkaEvent) -> Void) -> Bool {
    switch row.announcement {
    case .success(let announcement):
      let isNew = state.snapshot.apply(announcement)
      if case .owner(let owner) = announcement { state.book.read(owner, at: row.offset) }
      return isNew
    case .failure(let error):
      if !state.isRubbishTold {
        state.isRubbishTold = true
        report(.trouble(client: "owners", text: "a record at offset \(row.offset) is passed over: \(error.reason)"))
      }
      return false
    }
  }

  // MARK: OwnershipMap

  public var version: UInt64 { changes.load(ordering: .acquiring) }

  public func snapshot() -> OwnershipSnapshot { state.withLock { $0.snapshot } }

  public func announce(_ owner: OwnerAnnouncement) {
    let followers = state.withLock { state -> [@Sendable () -> Void] in
      state.book.announce(owner)
      // This pod knows it at once.
      guard state.snapshot.apply(.owner(owner)) else { return [] }
      changes.add(1, ordering: .releasing)
      return state.followers
    }
    for follower in followers { follower() }
    wake.set()
  }

  public func follow(_ onChange: @escaping @Sendable () -> Void) {
    state.withLock { $0.followers.append(onChange) }
  }

  /// Sends what was announced last, and that the pod has ended, unless a newer run of it is there. Takes at most the
  /// options' `closeTimeoutMilliseconds`.
  public func close() {
    isEnding.store(true, ordering: .releasing)
    wake.set()
    let ending = thread.withLock { thread in
      defer { thread = nil }
      return thread
    }
    guard let ending else { return }
    ending.join()
    guard state.withLock({ $0.snapshot.pods[incarnation] }) != nil else { return }
    var options = options
    options.queryTimeoutMilliseconds = options.closeTimeoutMilliseconds
    do throws(LogFailure) {
      _ = try Self.write(AnnouncementCodec.key(ofPod: name), nil, to: topic, wake, options, report)
    } catch {
      report(.trouble(client: "owners", text: "the others were not told that this pod ends: \(error.message)"))
    }
  }

  // MARK: The thread

  private func follow() {
    while !isEnding.load(ordering: .acquiring) {
      wake.wait(milliseconds: Self.lookMilliseconds)
      while readSome() {}
      for answer in topic.takeReports(report) {
        state.withLock { $0.book.reported(answer.tag, offset: answer.offset) }
      }
      sendSome()
    }
  }

  /// Returns whether there was anything.
  private func readSome() -> Bool {
    let rows = topic.takeRows(report)
    guard !rows.isEmpty else { return false }
    let followers = state.withLock { state -> [@Sendable () -> Void] in
      var isChanged = false
      for row in rows where Self.apply(row, to: &state, report) { isChanged = true }
      guard isChanged else { return [] }
      changes.add(1, ordering: .releasing)
      return state.followers
    }
    for follower in followers { follower() }
    return true
  }

  private func sendSome() {
    let sendings = state.withLock { $0.book.takeSendable() }
    for (tag, owner) in sendings {
      let key = AnnouncementCodec.key(ofOwnerOf: owner.partition)
      guard topic.send(key: key, value: AnnouncementCodec.encode(owner), tag: tag) != nil else { continue }
      state.withLock { $0.book.reported(tag, offset: nil) }
    }
  }
}
