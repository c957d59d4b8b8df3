import TestSupport
import Testing

@testable import Peers

/// Both ends of a stream, joined by a link that breaks: without sockets.
@Suite struct StreamTests {
  private struct World {
    var limits = PeerLimits()
    var outbound = OutboundStream()
    var inbound: InboundStream
    let credit = StreamCredit()
    /// Packets and answers under way; lost when the link breaks.
    var packets: [[UInt8]] = []
    var answers: [(number: UInt64, credit: UInt64)] = []
    var delivered: [[UInt8]] = []
    var untaken: [Int] = []
    var isViolated = false

    init() {
      limits.frameBytesMax = 200
      limits.packetBytesMax = 150
      limits.windowBytes = 1_000
      limits.queueBytesMax = 5_000
      inbound = InboundStream(first: 1, credit: credit)
    }

    mutating func connect() {
      outbound.interrupt()
      packets = []
      answers = []
      let welcome = Packet.Welcome.Position(
        received: inbound.received, receivedCost: inbound.receivedCost, credit: inbound.renew(limits))
      if !outbound.welcome(welcome) { isViolated = true }
      inbound.noteAcknowledgement()
    }

    mutating func nextPacket() -> [UInt8]? {
      var bytes: [UInt8] = []
      return outbound.appendPacket(of: .replies, to: &bytes, limits) ? bytes : nil
    }

    mutating func carryPacket() {
      guard !packets.isEmpty else { return }
      let packet = packets.removeFirst()
      packet.withUnsafeBytes { bytes in
        var cursor = ByteCursor(UnsafeRawBufferPointer(rebasing: bytes[Packet.lengthBytes...]))
        guard Packet.head(&cursor) == .kind(.frames), cursor.number() == PeerTraffic.replies.rawValue,
          var number: UInt64 = cursor.number()
        else {
          isViolated = true
          return
        }
        while cursor.rest > 0 {
          guard let frame = OutgoingFrame(&cursor, bytesMax: limits.frameBytesMax) else {
            isViolated = true
            return
          }
          switch inbound.step(number, cost: frame.cost) {
          case .deliver:
            delivered.append(frame.bytes)
            untaken.append(frame.cost)
          case .duplicate: break
          case .violation: isViolated = true
          }
          number += 1
        }
      }
    }
  }

  @Test func arrivesOnceAndInOrderOverBrokenLinks() {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(seed: seed)
    for _ in 0..<50 {
      var world = World()
      world.connect()
      var sent: [[UInt8]] = []
      var refused = 0
      for _ in 0..<2_000 {
        switch Int.random(in: 0..<100, using: &generator) {
        case 0..<30:
          let frame = (0..<Int.random(in: 0...200, using: &generator)).map { _ in UInt8(truncatingIfNeeded: sent.count)
          }
          if world.outbound.add(OutgoingFrame(reader: 0, kind: 0, bytes: frame), world.limits) {
            sent.append(frame)
          } else {
            refused += 1
          }
        case 30..<55: if let packet = world.nextPacket() { world.packets.append(packet) }
        case 55..<75: world.carryPacket()
        case 75..<85:
          if world.inbound.urgency(world.limits) != .never {
            world.answers.append((world.inbound.received, world.inbound.grant))
            world.inbound.noteAcknowledgement()
          }
        case 85..<92:
          guard !world.answers.isEmpty else { continue }
          let answer = world.answers.removeFirst()
          if !world.outbound.acknowledge(answer.number, credit: answer.credit) { world.isViolated = true }
        case 92..<99:
          for cost in world.untaken { _ = world.credit.take(cost) }
          world.untaken = []
        default: world.connect()
        }
        #expect(world.credit.cost <= world.limits.windowBytes, "seed \(seed)")
        #expect(world.outbound.queuedBytes <= world.limits.queueBytesMax, "seed \(seed)")
      }
      // All that was accepted arrives once the link stands.
      var rounds = 0
      while world.outbound.count > 0 && rounds < 10_000 {
        rounds += 1
        if rounds % 100 == 1 { world.connect() }
        for cost in world.untaken { _ = world.credit.take(cost) }
        world.untaken = []
        while let packet = world.nextPacket() { world.packets.append(packet) }
        while !world.packets.isEmpty { world.carryPacket() }
        _ = world.outbound.acknowledge(world.inbound.received, credit: world.inbound.renew(world.limits))
      }
      #expect(!world.isViolated, "seed \(seed)")
      #expect(world.delivered == sent, "seed \(seed)")
      #expect(world.outbound.queuedBytes == 0 && refused > 0, "seed \(seed)")
    }
  }

  @Test func numbersThatCannotBeAreRefused() {
    var stream = OutboundStream()
    var limits = PeerLimits()
    limits.queueFramesMax = 3
    for byte in 0..<3 as Range<UInt8> {
      #expect(stream.add(OutgoingFrame(reader: 0, kind: 0, bytes: [byte]), limits) == true)
    }
    #expect(stream.add(OutgoingFrame(reader: 0, kind: 0, bytes: [9]), limits) == false)
    let ahead = stream.welcome(.init(received: 4, receivedCost: 0, credit: 0))
    #expect(!ahead)
    #expect(stream.welcome(.init(received: 2, receivedCost: 0, credit: .max)) == true)
    let behind = stream.welcome(.init(received: 1, receivedCost: 0, credit: .max))
    #expect(!behind)
    let acknowledged = stream.acknowledge(.max, credit: 0)
    #expect(!acknowledged)
    #expect(stream.acknowledge(0, credit: 0) == true, "an old acknowledgement says nothing new")
    #expect(stream.count == 1 && stream.first == 3)
  }

  @Test func gapsAndMoreThanTheCreditAreViolations() {
    var limits = PeerLimits()
    limits.windowBytes = 100
    var stream = InboundStream(first: 5, credit: StreamCredit())
    _ = stream.renew(limits)
    let steps = [(4, 10), (6, 10), (5, 101), (5, 100), (5, 100), (6, 1), (.max, 1)].map { number, cost in
      stream.step(UInt64(number), cost: cost)
    }
    #expect(steps == [.duplicate, .violation, .violation, .deliver, .duplicate, .violation, .violation])
  }

  /// A credit that came back by less than a quarter is told too, only later: nobody waits for ever for the rest of it.
  @Test func acknowledgingBeginsWithTheFirstByteAndHurriesWithAQuarter() {
    var limits = PeerLimits()
    limits.windowBytes = 400
    let credit = StreamCredit()
    var stream = InboundStream(first: 1, credit: credit)
    #expect(stream.urgency(limits) == .now, "the window itself")
    stream.noteAcknowledgement()
    #expect(stream.urgency(limits) == .never)
    #expect(stream.step(1, cost: 350) == .deliver && stream.urgency(limits) == .soon)
    stream.noteAcknowledgement()
    _ = credit.take(50)
    #expect(stream.urgency(limits) == .soon)
    _ = credit.take(50)
    #expect(stream.urgency(limits) == .now && stream.grant == 500)
  }
}
