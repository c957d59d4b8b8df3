import Testing

@testable import Kafka

/// What Kassa's own producer writes to brokers, and reads of them.
@Suite struct ProducePieceTests {
  private func crc(_ bytes: [UInt8]) -> UInt32 { bytes.withUnsafeBytes { CRC32C.checksum($0) } }

  /// Known answers, of the iSCSI standard among others.
  @Test func checksumsAsOthersDo() {
    #expect(crc([]) == 0)
    #expect(crc(Array("123456789".utf8)) == 0xE306_9283)
    #expect(crc(Array(repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(crc(Array(repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(crc(Array(0..<32)) == 0x46DD_794E)
  }

  @Test func writesNumbersAsBrokersReadThem() {
    func varint(_ number: Int) -> [UInt8] {
      var bytes: [UInt8] = []
      bytes.append(varint: number)
      return bytes
    }
    #expect(varint(0) == [0] && varint(-1) == [1] && varint(1) == [2] && varint(63) == [126])
    #expect(varint(64) == [0x80, 1] && varint(-64) == [127] && varint(300) == [0xD8, 4])
    var bytes: [UInt8] = []
    bytes.append(big: Int32(-2))
    bytes.append(kafkaText: "ab")
    #expect(bytes == [0xFF, 0xFF, 0xFF, 0xFE, 0, 2, 97, 98])
    let long = String(repeating: "x", count: 40_000)
    bytes = []
    bytes.append(kafkaText: long)
    #expect(bytes.count == 2 + Int(Int16.max))
  }

  /// Byte for byte.
  @Test func writesABatch() {
    let bytes = BrokerProtocol.batch([[7, 8], []], time: 0x0102)
    let records: [UInt8] = [
      16, 0, 0, 0, 1, 4, 7, 8, 0,
      12, 0, 0, 2, 1, 0, 0,
    ]
    let tail: [UInt8] =
      [0, 0] + [0, 0, 0, 1] + [0, 0, 0, 0, 0, 0, 1, 2] + [0, 0, 0, 0, 0, 0, 1, 2]
      + Array(repeating: 0xFF, count: 14) + [0, 0, 0, 2] + records
    let sum = crc(tail)
    let head: [UInt8] =
      Array(repeating: 0, count: 8) + [0, 0, 0, UInt8(9 + tail.count)] + [0xFF, 0xFF, 0xFF, 0xFF, 2]
      + (0..<4).map { UInt8(truncatingIfNeeded: sum >> (24 - 8 * $0)) }
    #expect(bytes == head + tail)
    #expect(BrokerProtocol.batch([[1]], time: 0).count - 1 <= BrokerProtocol.batchOverheadBytesMax)
  }

  @Test func writesRequests() {
    var bytes: [UInt8] = []
    BrokerProtocol.append(.metadata, 4, 9, client: "c", to: &bytes) {
      BrokerProtocol.metadata(of: ["t"], 4, into: &$0)
    }
    #expect(bytes == [0, 0, 0, 19, 0, 3, 0, 4, 0, 0, 0, 9, 0, 1, 99, 0, 0, 0, 1, 0, 1, 116, 0])
    bytes = []
    let batches = [BrokerProtocol.TopicBatches(topic: "t", batches: [(3, [5, 6])])]
    BrokerProtocol.append(.produce, 7, 1, client: "", to: &bytes) {
      BrokerProtocol.produce(batches, timeoutMilliseconds: 258, into: &$0)
    }
    #expect(
      bytes == [0, 0, 0, 39, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 1, 2, 0, 0, 0, 1]
        + [0, 1, 116, 0, 0, 0, 1, 0, 0, 0, 3, 0, 0, 0, 2, 5, 6])
  }

  // MARK: Answers

  private func read<Result>(_ bytes: [UInt8], _ body: (inout BrokerCursor) -> Result) -> Result {
    bytes.withUnsafeBytes { bytes in
      var cursor = BrokerCursor(bytes)
      return body(&cursor)
    }
  }

  static let placings: [UInt8] = {
    var bytes: [UInt8] = []
    bytes.append(big: Int32(1))
    bytes.append(kafkaText: "t")
    bytes.append(big: Int32(2))
    for (partition, code, offset) in [(4, 0, 70), (5, 6, -1)] as [(Int32, Int16, Int64)] {
      bytes.append(big: partition)
      bytes.append(big: code)
      bytes.append(big: offset)
      bytes.append(big: Int64(-1))
      bytes.append(big: Int64(0))
    }
    bytes.append(big: Int32(0))
    return bytes
  }()

  static let metadata: [UInt8] = {
    var bytes: [UInt8] = []
    bytes.append(big: Int32(0))
    bytes.append(big: Int32(2))
    for (broker, port) in [(1, 9_092), (2, 70_000)] as [(Int32, Int32)] {
      bytes.append(big: broker)
      bytes.append(kafkaText: "h\(broker)")
      bytes.append(big: port)
      bytes.append(big: Int16(-1))
    }
    bytes.append(kafkaText: "cluster")
    bytes.append(big: Int32(1))
    bytes.append(big: Int32(1))
    bytes.append(big: Int16(0))
    bytes.append(kafkaText: "t")
    bytes.append(0)
    bytes.append(big: Int32(2))
    for (partition, leader) in [(0, 1), (1, -1)] as [(Int32, Int32)] {
      bytes.append(big: Int16(0))
      bytes.append(big: partition)
      bytes.append(big: leader)
      for _ in 0..<2 {
        bytes.append(big: Int32(1))
        bytes.append(big: leader)
      }
    }
    return bytes
  }()

  static let versions: [UInt8] = {
    var bytes: [UInt8] = []
    bytes.append(big: Int16(0))
    bytes.append(big: Int32(2))
    for number in [0, 3, 11, 3, 0, 13] as [Int16] { bytes.append(big: number) }
    return bytes
  }()

  @Test func readsAnswers() {
    let placings = read(Self.placings) { BrokerProtocol.placings(&$0) }
    #expect(
      placings == [
        .init(topic: "t", partition: 4, code: 0, offset: 70), .init(topic: "t", partition: 5, code: 6, offset: -1),
      ])
    let metadata = read(Self.metadata) { BrokerProtocol.metadata(&$0, 4) }
    #expect(metadata?.brokers == [1: .init(host: "h1", port: 9_092)], "the other one has no port")
    #expect(metadata?.topics == [.init(name: "t", code: 0, leaders: [0: 1])])
    let older = read(Array(Self.metadata.dropFirst(4))) { BrokerProtocol.metadata(&$0, 2) }
    #expect(older == metadata)
    #expect(read(Self.versions) { BrokerProtocol.verdict(&$0) } == .metadataVersion(4))
    var others = Self.versions
    others[15] = 9
    others[17] = 3
    #expect(read(others) { BrokerProtocol.verdict(&$0) } == .unfit, "no metadata request that both know")
    #expect(read([0, 35]) { BrokerProtocol.verdict(&$0) } == .unfit)
  }

  /// Whatever a broker sends: nil, or something that was in it; never more elements than bytes.
  @Test func readsRubbish() {
    var random = SystemRandomNumberGenerator()
    for bytes in [Self.placings, Self.metadata, Self.versions] {
      for count in bytes.indices {
        let cut = Array(bytes.prefix(count))
        // The time that brokers ask for stands at the end, and nobody reads it.
        #expect(bytes != Self.placings || count >= bytes.count - 4 || read(cut) { BrokerProtocol.placings(&$0) } == nil)
        #expect(bytes != Self.metadata || read(cut) { BrokerProtocol.metadata(&$0, 4) } == nil)
        #expect(bytes != Self.versions || read(cut) { BrokerProtocol.verdict(&$0) } != .metadataVersion(4))
      }
      for _ in 0..<3_000 {
        var mutated = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          mutated[Int.random(in: mutated.indices, using: &random)] = [0, 0x7F, 0x80, 0xFF].randomElement() ?? 1
        }
        let placings = read(mutated) { BrokerProtocol.placings(&$0) }
        #expect(placings?.count ?? 0 <= mutated.count)
        for version in [2, 4] as [Int16] {
          #expect(read(mutated) { BrokerProtocol.metadata(&$0, version) }?.topics.count ?? 0 <= mutated.count)
        }
        _ = read(mutated) { BrokerProtocol.verdict(&$0) }
      }
    }
  }

  @Test func dividesWhatComes() {
    var reader = AnswerReader()
    let answers: [[UInt8]] = [[1, 2, 3, 4], Array(repeating: 9, count: 70_000), [5, 6, 7, 8, 9]]
    let bytes = answers.flatMap { answer -> [UInt8] in
      var bytes: [UInt8] = []
      bytes.append { $0 += answer }
      return bytes
    }
    for step in [1, 3, 1_000, bytes.count] {
      var found: [[UInt8]] = []
      for start in stride(from: 0, to: bytes.count, by: step) {
        bytes[start..<min(start + step, bytes.count)].withUnsafeBytes { reader.append($0) }
        while case .answer(let range) = reader.next() { found.append(reader.withBytes(range) { Array($0) }) }
      }
      #expect(found == answers, "\(step)")
    }
    for head in [[0xFF, 0, 0, 0], [0, 0, 0, 3], [0, 0x80, 0, 1]] as [[UInt8]] {
      var reader = AnswerReader()
      head.withUnsafeBytes { reader.append($0) }
      let next = reader.next()
      #expect(next == .rubbish)
    }
  }

  @Test(arguments: [
    ("a:1", "a:1"), ("a", "a:9092"), ("a:1, b:2 ", "a:1 b:2"), ("[::1]:7,PLAINTEXT://c:3", "[::1]:7 c:3"),
    ("[::1]", "[::1]:9092"), ("", nil), (",", nil), ("a:", nil), ("a:0", nil), ("a:70000", nil), ("a:b", nil),
    ("SSL://a:1", nil), ("[::1", nil), ("::1", nil), (":1", nil), ("[]:1", nil), ("a:1,:", nil),
  ])
  func readsWhereBrokersAre(text: String, expected: String?) {
    let list = BrokerProtocol.Endpoint.list(text)
    #expect(list?.map(\.description).joined(separator: " ") == expected)
  }
}
