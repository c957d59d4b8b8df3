import Model
import Testing

@testable import Wire

/// What stands in the topic of the map of owners.
@Suite struct AnnouncementTests {
  private let pod = PodAnnouncement(
    name: "stock-0", incarnation: 0, host: "10.0.0.7", port: 7_000,
    operatorAddress: "10.0.0.7:9000", services: [.stock, .payments], role: .owner)
  private let owner = OwnerAnnouncement(
    partition: PartitionID(.stock, 12), epoch: 3, incarnation: 0xfedc_ba98_7654_3210, state: .full)

  private func decode(_ key: String, _ value: [UInt8]?, offset: Int64 = 0) throws -> Announcement {
    try Array(key.utf8).withUnsafeBytes { key in
      guard let value else { return try AnnouncementCodec.decode(key: key, value: nil, offset: offset) }
      return try value.withUnsafeBytes { try AnnouncementCodec.decode(key: key, value: $0, offset: offset) }
    }
  }

  @Test func aPodsIncarnationFollowsFromItsPlace() throws {
    let bytes = AnnouncementCodec.encode(pod, nonce: 77)
    guard case .pod(let read) = try decode("pod/stock-0", bytes, offset: 41) else {
      Issue.record("it is no pod")
      return
    }
    #expect(read.incarnation == 42 << 20 | 77)
    #expect(
      read
        == PodAnnouncement(
          name: pod.name, incarnation: read.incarnation, host: pod.host, port: pod.port,
          operatorAddress: pod.operatorAddress,
          services: pod.services, role: pod.role))
    #expect(try decode("pod/stock-0", nil) == .podLeft(name: "stock-0"))
    #expect(
      AnnouncementCodec.incarnation(offset: 41, nonce: .max) < AnnouncementCodec.incarnation(offset: 42, nonce: 0))
  }

  /// A run that is told of again keeps its incarnation wherever the record stands.
  @Test func aRepetitionKeepsItsIncarnation() throws {
    let run = PodAnnouncement(
      name: pod.name, incarnation: 42 << 20 | 77, host: pod.host, port: pod.port, services: pod.services,
      role: pod.role)
    let bytes = AnnouncementCodec.encode(again: run)
    #expect(try decode("pod/stock-0", bytes, offset: 3) == .pod(run))
    #expect(
      try Protoc.decode("PodRecord", bytes)
        == "host: \"10.0.0.7\"\nport: 7000\nservices: 6\nrole: POD_ROLE_OWNER\nincarnation: 44040269\nrules: 4\n")
  }

  @Test func aNewerFormatIsSkipped() throws {
    for (message, key, text) in [
      ("OwnerRecord", "owner/stock/12", "epoch: 3 state: OWNER_STATE_OPEN"),
      ("PodRecord", "pod/a", "host: \"h\" port: 1 role: POD_ROLE_ALL"),
    ] {
      #expect(throws: Never.self) { try decode(key, try Protoc.encode(message, text)) }
      #expect(throws: Never.self) { try decode(key, try Protoc.encode(message, text + " format: 1")) }
      let newer = try Protoc.encode(message, text + " format: 2")
      #expect(throws: WireError("the record is of a newer format than this version reads")) { try decode(key, newer) }
    }
  }

  @Test(arguments: [
    "port: 1 role: POD_ROLE_ALL nonce: 1048576", "port: 65536 role: POD_ROLE_ALL", "port: 1 role: 9", "port: 1",
    "role: POD_ROLE_ALL",
    #"port: 1 role: POD_ROLE_ALL operator_address: "a b""#,
    "port: 1 role: POD_ROLE_ALL incarnation: 9223372036854775809",
  ])
  func boundsOfPodsAreKept(fields: String) throws {
    let bytes = try Protoc.encode("PodRecord", #"host: "h" "# + fields)
    #expect(throws: WireError.self) { try decode("pod/a", bytes) }
  }

  @Test func anOwnerComesBackAsItWas() throws {
    #expect(AnnouncementCodec.key(ofOwnerOf: owner.partition) == "owner/stock/12")
    #expect(try decode("owner/stock/12", AnnouncementCodec.encode(owner)) == .owner(owner))
  }

  @Test func protocReadsTheSame() throws {
    #expect(
      try Protoc.decode("OwnerRecord", AnnouncementCodec.encode(owner))
        == "epoch: 3\nincarnation: 18364758544493064720\nstate: OWNER_STATE_FULL\n")
    let text = """
      nonce: 77
      host: "10.0.0.7"
      port: 7000
      operator_address: "10.0.0.7:9000"
      services: 6
      role: POD_ROLE_OWNER
      rules: 4

      """
    #expect(try Protoc.decode("PodRecord", AnnouncementCodec.encode(pod, nonce: 77)) == text)
    #expect(try Protoc.encode("PodRecord", text) == AnnouncementCodec.encode(pod, nonce: 77))
  }

  @Test(arguments: [
    "", "pod", "pod/", "pod/a b", "owner/stock", "owner/stock/-1", "owner/stock/4096", "owner/shop/1", "other/1",
    "pod/" + String(repeating: "n", count: 129), String(repeating: "x", count: 10_000),
  ])
  func refusesKeysOfNobody(key: String) {
    #expect(throws: WireError.self) { try decode(key, AnnouncementCodec.encode(owner)) }
  }

  @Test func refusesWhatIsIncomplete() {
    #expect(throws: WireError.self) { try decode("owner/stock/1", []) }
    #expect(throws: WireError.self) { try decode("owner/stock/1", nil) }
    #expect(throws: WireError.self) { try decode("pod/a", []) }
    #expect(throws: WireError.self) { try decode("pod/a", AnnouncementCodec.encode(owner)) }
  }

  @Test(arguments: 0..<4 as Range<UInt64>) func rubbishNeverTraps(seed: UInt64) {
    var arbitrary = Arbitrary(seed: seed)
    let whole = [
      AnnouncementCodec.encode(pod, nonce: 77), AnnouncementCodec.encode(owner),
      AnnouncementCodec.encode(
        again: PodAnnouncement(name: "a", incarnation: 1 << 40, host: "h", port: 1)),
    ]
    for _ in 0..<5_000 {
      var bytes = arbitrary.pick(whole)
      for _ in 0...arbitrary.below(3) {
        bytes[arbitrary.below(bytes.count)] = UInt8(truncatingIfNeeded: arbitrary.bits())
      }
      bytes.removeLast(arbitrary.below(bytes.count))
      for key in ["pod/a", "owner/stock/1"] {
        if case .pod(let read)? = try? decode(key, bytes) { #expect(read.port > 0 && !read.host.isEmpty) }
      }
    }
  }
}
