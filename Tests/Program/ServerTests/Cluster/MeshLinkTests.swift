import Lanes
import Model
import Ports
import PartitionCore
import Runtime
import Peers
import Server
import Settings
import Streams
import Synchronization
import TestSupport
import Testing
import Wire

@testable import Server

/// What the runs of pods say to each other, over real connections.
@Suite struct MeshLinkTests {
  /// A pod that takes what comes on both of its lanes.
  private final class Talker: Sendable {
    let open: OpenPod
    let link: MeshLink
    let troubles = Troubles()
    let journal = Journal()
    private let taken = Taken()

    /// What came, with the lane that took it.
    private final class Taken: Sendable {
      let deliveries = Mutex<[(lane: UInt16, delivery: MeshDelivery)]>([])
    }

    final class Troubles: Sendable {
      let all = Mutex<[MeshLink.Trouble]>([])
    }

    init(_ name: String, incarnation: UInt64, in world: MemoryOwnershipWorld) throws {
      let open = try OpenPod(
        podSettings {
          $0.cluster.pod = name
          $0.cluster.role = .api
        }, incarnation: incarnation, journal: journal, in: world)
      self.open = open
      let link = MeshLink(open.pod.mesh, lanes: open.lanes.serving) { [troubles] trouble in
        troubles.all.withLock { $0.append(trouble) }
      }
      self.link = link
      for lane in open.lanes.serving {
        let index = UInt16(lane.index)
        try lane.start { [taken] in
          let deliveries = link.take(lane: index)
          taken.deliveries.withLock { $0 += deliveries.map { (index, $0) } }
          return false
        }
      }
      try open.lanes.operating.start { false }
    }

    /// Follows the map, as the pod does.
    func followMap() {
      open.pod.followMap()
      let (map, own) = (open.pod.ownership, open.pod.identity.name)
      let follow = { @Sendable [link] in
        _ = link.follow(map.snapshot().pods.values.filter { $0.name != own }.sorted { $0.incarnation < $1.incarnation })
      }
      map.follow(follow)
      follow()
    }

    var all: [(lane: UInt16, delivery: MeshDelivery)] { taken.deliveries.withLock { $0 } }

    func send(_ messages: [MeshMessage], to run: UInt64, lane: UInt16 = 0) -> Bool {
      link.send(messages, to: run, lane: lane)
    }
  }

  private func request(_ number: UInt64) -> RequestID { RequestID(incarnation: 1, lane: 0, number: number) }

  private let world = MemoryOwnershipWorld()

  private func talkers() throws -> [Talker] {
    let talkers = try [("a", UInt64(11)), ("b", 22)].map { try Talker($0.0, incarnation: $0.1, in: world) }
    for talker in talkers { talker.followMap() }
    #expect(
      eventually { talkers.allSatisfy { $0.open.pod.mesh.statuses.map(\.state) == [.connected] } },
      "\(talkers.map(\.open.pod.mesh.statuses))")
    return talkers
  }

  @Test func messagesArriveOnTheLaneInOrder() throws {
    let talkers = try talkers()
    let messages = (0..<2_000).map { MeshMessage.read(.item(ItemID(unchecked: "i\($0)")), request($0)) }
    for start in stride(from: 0, to: messages.count, by: 100) {
      #expect(talkers[0].send(Array(messages[start..<start + 100]), to: 22, lane: UInt16(start / 100 % 2)))
    }
    #expect(eventually { talkers[1].all.count == messages.count })
    for lane in UInt16(0)..<2 {
      let got = talkers[1].all.filter { $0.lane == lane }.map(\.delivery.message)
      #expect(got == messages.enumerated().filter { $0.offset / 100 % 2 == Int(lane) }.map(\.element))
    }
    #expect(talkers[1].all.allSatisfy { $0.delivery.run == 11 } && talkers[0].all.isEmpty)
    for talker in talkers { talker.open.end() }
  }

  /// Lanes of pods may differ in number: the receiver takes the number modulo its own.
  @Test func anyLaneNumberArrives() throws {
    let talkers = try talkers()
    #expect(talkers[1].send([.readForwarded(request(1))], to: 11, lane: 4_095))
    #expect(eventually { talkers[0].all.count == 1 })
    #expect(talkers[0].all[0].lane == 1 && talkers[0].all[0].delivery.message == .readForwarded(request(1)))
    for talker in talkers { talker.open.end() }
  }

  // MARK: Sizes

  private let owner = OwnerID(epoch: .max, run: .max)
  private let partition = PartitionID(.payments, 4_095)

  /// As many lines as an order can have, with the longest ids and the highest quantities.
  private let lines: [Slip.Line] = (0..<WireLimits.orderLinesMax).map { number in
    let id = String(100_000 + number)
    return Slip.Line(
      item: ItemID(unchecked: String(repeating: "i", count: 64 - id.utf8.count) + id),
      quantity: Quantity(unchecked: Quantity.max))
  }

  private var largestOrder: OrderView {
    OrderView(
      id: OrderID(unchecked: longID), user: UserID(unchecked: longID), lines: lines, total: Money(unchecked: Money.max),
      status: .open)
  }

  private let longID = String(repeating: "x", count: 64)

  @Test func theLargestOrderFits() throws {
    let talkers = try talkers()
    let messages = (0..<3).map { MeshMessage.answer(request($0), .order(largestOrder)) }
    #expect(talkers[0].send(messages, to: 22))
    #expect(eventually { talkers[1].all.count == 3 })
    #expect(talkers[1].all.map(\.delivery.message) == messages)
    for talker in talkers { talker.open.end() }
  }

  /// Whatever the runtime can say in one message is smaller than a frame may be.
  @Test func thereIsRoomForWhatOneMessageCanSay() {
    let limits = StreamLimits()
    let request = RequestID(incarnation: .max, lane: .max, number: .max)
    let session = StreamSource.session(Session(run: .max, lane: .max, number: .max))
    let last = UInt64(Int64.max)
    // Each stock partition has a stop of its own.
    let perStop = lines.count / WireLimits.partitionsMax
    let stops = (0..<WireLimits.partitionsMax).map { index in
      Slip.Stop(partition: UInt16(index), lines: Array(lines[index * perStop..<(index + 1) * perStop]))
    }
    let trace = TraceContext(traceHigh: .max, traceLow: .max, span: .max, flags: .max)
    let attempt = AttemptID(order: OrderID(unchecked: longID), number: .max)
    func release(_ stops: [Slip.Stop]) -> Message {
      let slip = Slip(
        attempt: attempt, user: UserID(unchecked: longID), total: Money(unchecked: Money.max), stops: stops,
        trace: trace)
      return .release(slip, stop: 0, .outOfStock(lines[0].item))
    }
    func frame<Input>(_ inputs: [Input]) -> StreamFrame<Input> {
      let first = last - UInt64(inputs.count)
      return StreamFrame(
        source: session, destination: partition, owner: owner, first: first, inputs: inputs,
        asOf: Timestamp(milliseconds: WireLimits.timeMillisecondsMax))
    }
    // As an outbox fills its frames, by its own estimate of a slip.
    let middling = release([Slip.Stop(partition: 0, lines: Array(lines[..<13]))])
    var outbox = StreamSender<Message>(from: .partition(partition), to: partition, limits: limits)
    for _ in 0..<limits.frameInputsMax { outbox.append(middling, bytes: 96 + 16 + 13 * 32) }
    _ = outbox.take(StreamGreeting(source: .partition(partition), destination: partition, owner: owner, number: 0))
    let filled = outbox.nextFrame()?.inputs ?? []
    #expect(filled.count > 400)
    let add = ClientCommand(
      request: request,
      idempotency: IdempotencyToken(key: IdempotencyKey(unchecked: longID), fingerprint: .max), trace: trace,
      command: .orders(
        .addItem(
          OrderID(unchecked: longID), lines[0].item, Quantity(unchecked: Quantity.max),
          price: Money(unchecked: Money.max))))
    let reply = Reply(
      request: request,
      outcome: .refused(.itemNotInOrder(OrderID(unchecked: longID), lines[0].item)), isReplayed: true)
    let all: [(String, MeshMessage)] = [
      ("one slip", .messages(frame([release(stops)]))), ("slips", .messages(frame(filled))),
      ("commands", .commands(frame(Array(repeating: .command(add, deadline: .min), count: WireLimits.meshListMax)))),
      ("an order", .answer(request, .order(largestOrder))),
      ("replies", .replies(Array(repeating: .outcome(reply), count: WireLimits.meshListMax), partition, owner)),
      ("receipts", .repliesReceived(Array(repeating: request, count: WireLimits.meshListMax), partition, owner)),
    ]
    for (name, message) in all {
      let frames = MeshCodec.encode([message], bytesMax: MeshLink.frameBytesDue)
      #expect(frames.count == 1 && frames[0].count <= ClusterBoot.frameBytesMax, "\(name): \(frames.map(\.count))")
    }
  }

  /// Nothing of what is sent together with it goes either, and it is told once, twice, four times.
  @Test func whatIsTooLargeIsTold() throws {
    let talkers = try talkers()
    let payment = Message.charge(
      Slip(
        attempt: AttemptID(order: OrderID(unchecked: "o"), number: 1), user: UserID(unchecked: "u"), total: .zero,
        stops: [Slip.Stop(partition: 0, lines: lines)], trace: nil))
    let frame = StreamFrame(
      source: .partition(PartitionID(.orders, 0)), destination: partition, owner: owner, first: 1,
      inputs: [payment, payment])
    for _ in 0..<5 { #expect(!talkers[0].send([.readForwarded(request(1)), .messages(frame)], to: 22)) }
    #expect(talkers[0].link.oversizedSends == 5)
    let troubles = talkers[0].troubles.all.withLock { $0 }
    #expect(troubles.count == 3 && Set(troubles).count == 1)
    guard case .tooLarge(let receiver, let bytes) = troubles.first else { return }
    #expect(receiver.name == "b" && bytes > ClusterBoot.frameBytesMax)
    #expect(talkers[0].send([.readForwarded(request(2))], to: 22) && eventually { talkers[1].all.count == 1 })
    #expect(talkers[1].all.map(\.delivery.message) == [.readForwarded(request(2))])
    for talker in talkers { talker.open.end() }
  }

  @Test func whoIsNotKnownIsNotSentTo() throws {
    let talkers = try talkers()
    let message = [MeshMessage.readRefused(request(1), .starting)]
    #expect(!talkers[0].send(message, to: 33) && !talkers[0].send(message, to: 11))
    // Another run of the same pod is another receiver.
    world.announce(
      .pod(PodAnnouncement(name: "b", incarnation: 23, host: "127.0.0.1", port: talkers[1].open.pod.mesh.port)))
    #expect(!talkers[0].send(message, to: 22) && talkers[0].send(message, to: 23))
    #expect(talkers[1].open.pod.isReplaced && !talkers[0].open.pod.isReplaced)
    world.announce(.podLeft(name: "b"))
    #expect(!talkers[0].send(message, to: 23) && talkers[0].open.pod.mesh.statuses.isEmpty)
    for talker in talkers { talker.open.end() }
  }

  /// Requests that nobody takes keep nothing back that ends work; and of one call all is sent, or nothing.
  @Test func whatEndsWorkGoesWhereRequestsAreRefused() throws {
    let talkers = try talkers()
    world.announce(.pod(PodAnnouncement(name: "dead", incarnation: 33, host: "::1", port: 1)))
    let command = ClientCommand(
      request: request(1), idempotency: nil, trace: nil, command: .orders(.checkout(OrderID(unchecked: longID))))
    let frame = MeshMessage.commands(
      StreamFrame(
        source: .session(Session(run: 11, lane: 0, number: 1)), destination: partition, owner: owner, first: 1,
        inputs: Array(repeating: .command(command, deadline: 5), count: 2_000)))
    var sent = 0
    while sent < 1_000, talkers[0].send([frame], to: 33) { sent += 1 }
    #expect((1..<1_000).contains(sent))
    #expect(!talkers[0].send([.readForwarded(request(1)), frame], to: 33))
    #expect(talkers[0].open.pod.mesh.peer("dead")?.newestFrame(.replies) == 0)
    #expect(talkers[0].send([.readForwarded(request(1))], to: 33))
    #expect(talkers[0].open.pod.mesh.peer("dead")?.newestFrame(.replies) == 1)
    #expect(talkers[0].link.oversizedSends == 0 && talkers[0].troubles.all.withLock { $0.isEmpty })
    for talker in talkers { talker.open.end() }
  }

  /// A frame of the kind before as well.
  @Test func framesThatCannotBeReadAreToldAndCounted() throws {
    let talkers = try talkers()
    for (kind, bytes) in [(UInt8(2), [UInt8(0xFF), 0xFF, 0xFF]), (1, [])] {
      #expect(talkers[0].open.pod.mesh.send(bytes, kind: kind, traffic: .replies, to: "b") == .accepted)
    }
    #expect(talkers[0].send([.readRefused(request(1), .stopping)], to: 22))
    #expect(eventually { talkers[1].all.count == 1 })
    #expect(talkers[1].link.undecodableFrames == 2)
    let sender = PeerIdentity(name: "a", incarnation: 11)
    let troubles = talkers[1].troubles.all.withLock { $0 }
    #expect(troubles.count == 2 && troubles.last == .undecodable(sender: sender, reason: "it is of kind 1"))
    for talker in talkers { talker.open.end() }
  }

  /// Pods that ended without a word are many more than those that live: whoever is connected stays so.
  @Test func ofTooManyPodsTheLivingAreKept() throws {
    let talkers = try talkers()
    for number in UInt64(0)..<300 {
      world.announce(.pod(PodAnnouncement(name: "dead-\(number)", incarnation: 100 + number, host: "::1", port: 1)))
    }
    #expect(talkers[0].journal.contains("cannot keep a connection to a pod", "at most 256 are followed"))
    let names = Set(talkers[0].open.pod.mesh.statuses.map(\.name))
    #expect(names.count == 256 && names.isSuperset(of: ["b", "dead-299", "dead-45"]) && !names.contains("dead-44"))
    #expect(talkers[0].send([.readRefused(request(1), .stopping)], to: 22) && eventually { talkers[1].all.count == 1 })
    for talker in talkers { talker.open.end() }
  }
}
