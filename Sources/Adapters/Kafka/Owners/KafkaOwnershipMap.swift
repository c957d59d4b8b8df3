import Ports
import Model
import Synchronization
import Lanes
import Wire

/// The map of owners on a compacted topic with one partition: every pod reads all of it, and writes what it owns.
///
/// One thread reads and writes. While the brokers are away the newest map stays; what was announced in the meantime
/// is sent when they are back.
public final class KafkaOwnershipMap: OwnershipMap {
  /// Identifies this run of the pod: unique in the cluster, and higher with each start of a name. It follows from
  /// the offset of the record that announced it, and so from no clock: see `AnnouncementCodec.incarnation`.
  public let incarnation: UInt64
  /// When a broker appended that record, by the broker's clock in milliseconds since 1970-01-01 UTC; nil if the
  /// topic does not have the brokers' time.
  public let announcedMilliseconds: Int64?
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
    var view: OwnersView
    var followers: [@Sendable () -> Void] = []
    /// Pods that are gone but did not say so, by name.
    var gone: [String: UInt64] = [:]
  }

  /// How often to look for trouble when nothing happens.
  private static let lookMilliseconds = 1_000
  /// How long nothing is sent after a broker refused something.
  private static let retryMilliseconds = 500

  /// Announces the pod, and reads the map up to there. Blocking, at most three times the options'
  /// `queryTimeoutMilliseconds`.
  ///
  /// - Parameters:
  ///   - pod: what is announced; its incarnation is ignored, the map gives it one.
  ///   - report: called on any thread, must not block.
  /// - Throws: `LogFailure` if the brokers do not answer in time or refuse, or others could not read the
  ///   announcement.
  public init(
    options: KafkaOptions, pod: PodAnnouncement, report: @escaping @Sendable (KafkaEvent) -> Void
  ) throws(LogFailure) {
    self.options = options
    self.report = report
    name = pod.name
    wake = try WakeDescriptor()
    topic = try OwnersTopic(options, wake: wake)
    let (view, announced) = try Self.join(pod, topic, wake, options, report)
    incarnation = view.run.announcement.incarnation
    announcedMilliseconds = announced
    state = Mutex(State(view: view))
    guard let started = BackgroundThread("owners", { [self] in follow() }) else {
      throw LogFailure(.read, "cannot start a thread for the map of owners")
    }
    thread.withLock { $0 = started }
  }

  private static func join(
    _ pod: PodAnnouncement, _ topic: OwnersTopic, _ wake: WakeDescriptor, _ options: KafkaOptions,
    _ report: (KafkaEvent) -> Void
  ) throws(LogFailure) -> (view: OwnersView, announcedMilliseconds: Int64?) {
    let nonce = UInt32.random(in: 0..<AnnouncementCodec.noncesMax)
    let key = AnnouncementCodec.key(ofPod: pod.name)
    let value = AnnouncementCodec.encode(pod, nonce: nonce)
    do throws(WireError) {
      _ = try OwnersTopic.announcement(key: Array(key.utf8), value: value, offset: 0)
    } catch {
      throw LogFailure(.settings, "the pod cannot be announced: \(error.reason)")
    }
    func write(_ value: [UInt8]) throws(LogFailure) -> Int64 {
      try topic.write(key: key, value: value, within: options.queryTimeoutMilliseconds, report)
    }
    let offset = try write(value)
    let incarnation = AnnouncementCodec.incarnation(offset: offset, nonce: nonce)
    var view = OwnersView(run: OwnRun(pod.with(incarnation: incarnation), writtenAt: offset))
    let (highest, announced) = try read(through: offset, of: topic, wake, options, report, into: &view)
    if highest > incarnation {
      // A run from before the topic was recreated announced itself again.
      let run = pod.with(incarnation: (highest >> 20 + 1) << 20 | UInt64(nonce))
      view.restart(as: OwnRun(run, writtenAt: try write(AnnouncementCodec.encode(again: run))))
    }
    return (view, announced)
  }

  /// Returns the highest incarnation that the pod's name had up to there, and when a broker appended the record
  /// there.
  private static func read(
    through offset: Int64, of topic: OwnersTopic, _ wake: WakeDescriptor, _ options: KafkaOptions,
    _ report: (KafkaEvent) -> Void, into view: inout OwnersView
  ) throws(LogFailure) -> (highest: UInt64, appendedMilliseconds: Int64?) {
    let clock = ContinuousClock()
    let deadline = clock.now + .milliseconds(options.queryTimeoutMilliseconds)
    var highest: UInt64 = 0
    var appended: Int64?
    while clock.now < deadline {
      let rows = topic.takeRows(report)
      for row in rows {
        _ = view.read(row, report)
        if row.offset <= offset { highest = view.incarnationMax }
        if row.offset == offset { appended = row.appendedMilliseconds }
      }
      if view.nextOffset > offset { return (highest, appended) }
      if rows.isEmpty { wake.wait(milliseconds: KafkaReader.pauseMilliseconds) }
    }
    throw LogFailure(.unreachable, "no broker of \(options.brokers) reports what is in \(options.ownersTopic)")
  }

  // MARK: OwnershipMap

  public var version: UInt64 { changes.load(ordering: .acquiring) }

  public func snapshot() -> OwnershipSnapshot { state.withLock { $0.view.snapshot } }

  public var recordsPassedOver: UInt64 { state.withLock { $0.view.recordsPassedOver } }

  public func announce(_ owner: OwnerAnnouncement) {
    change { $0.announce(owner) }
    wake.set()
  }

  public func forget(_ pod: PodAnnouncement) {
    guard pod.name != name else { return }
    state.withLock { state in
      if state.view.snapshot.pods[pod.incarnation] != nil { state.gone[pod.name] = pod.incarnation }
    }
    wake.set()
  }

  public func follow(_ onChange: @escaping @Sendable () -> Void) {
    state.withLock { $0.followers.append(onChange) }
  }

  /// Changes what is known, and notifies the followers if that changed the map.
  private func change(_ body: (inout OwnersView) -> Bool) {
    let followers = state.withLock { state -> [@Sendable () -> Void] in
      guard body(&state.view) else { return [] }
      changes.add(1, ordering: .releasing)
      return state.followers
    }
    for follower in followers { follower() }
  }

  /// Sends what was announced last, and that the pod has ended, unless a newer run of it exists. Takes at most the
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
    guard !state.withLock({ $0.view.run.isOver }) else { return }
    do throws(LogFailure) {
      _ = try topic.write(
        key: AnnouncementCodec.key(ofPod: name), value: nil, within: options.closeTimeoutMilliseconds, report)
    } catch {
      report(.trouble(client: "owners", text: "cannot announce that this pod is ending: \(error.message)"))
    }
  }

  // MARK: The thread

  private func follow() {
    let clock = ContinuousClock()
    var pauseEnd = clock.now
    var lastReason = ""
    while !isEnding.load(ordering: .acquiring) {
      wake.wait(milliseconds: clock.now < pauseEnd ? Self.retryMilliseconds : Self.lookMilliseconds)
      while readSome(), !isEnding.load(ordering: .acquiring) {}
      if let reason = takeReports() {
        pauseEnd = clock.now + .milliseconds(Self.retryMilliseconds)
        if reason != lastReason { report(.trouble(client: "owners", text: "an announcement has to wait: \(reason)")) }
        lastReason = reason
      }
      if clock.now >= pauseEnd { sendSome() }
    }
    // What has arrived says whether a newer run exists; what was announced last goes out before the end does.
    _ = readSome()
    sendSome()
  }

  /// Returns whether there was anything.
  private func readSome() -> Bool {
    let rows = topic.takeRows(report)
    guard !rows.isEmpty else { return false }
    change { view in rows.reduce(false) { view.read($1, report) || $0 } }
    return true
  }

  /// Returns why something was not written.
  private func takeReports() -> String? {
    let reports = topic.takeReports(report)
    guard !reports.isEmpty else { return nil }
    state.withLock { state in
      for report in reports {
        switch report.tag {
        case OwnersTopic.podTag: state.view.run.reported(offset: report.offset)
        case OwnersTopic.goneTag: break
        default: state.view.book.reported(report.tag, offset: report.offset)
        }
      }
    }
    return reports.first { $0.offset == nil }?.reason
  }

  private func sendSome() {
    let (run, sendings, gone) = state.withLock { state in
      // A newer run of the name may have appeared in the meantime.
      let gone = state.gone.filter { state.view.snapshot.pods[$0.value] != nil }.keys
      state.gone = [:]
      return (
        state.view.run.takeSendable() ? state.view.run.announcement : nil, state.view.book.takeSendable(), gone
      )
    }
    for name in gone {
      _ = topic.send(key: AnnouncementCodec.key(ofPod: name), value: nil, tag: OwnersTopic.goneTag)
    }
    if let run {
      let value = AnnouncementCodec.encode(again: run)
      if topic.send(key: AnnouncementCodec.key(ofPod: name), value: value, tag: OwnersTopic.podTag) != nil {
        state.withLock { $0.view.run.reported(offset: nil) }
      }
    }
    for (tag, owner) in sendings {
      let key = AnnouncementCodec.key(ofOwnerOf: owner.partition)
      guard topic.send(key: key, value: AnnouncementCodec.encode(owner), tag: tag) != nil else { continue }
      state.withLock { $0.view.book.reported(tag, offset: nil) }
    }
  }
}

extension PodAnnouncement {
  fileprivate func with(incarnation: UInt64) -> PodAnnouncement {
    PodAnnouncement(
      name: name, incarnation: incarnation, host: host, port: port, operatorAddress: operatorAddress,
      services: services, role: role, rules: rules)
  }
}
