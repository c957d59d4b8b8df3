import Model

/// Turns what pods announce into keys and values of a compacted topic, and back. The format is that of `records.proto`.
public enum AnnouncementCodec {
  /// A pod's announcement carries a random number below this.
  public static let noncesMax: UInt32 = 1 << 20
  /// The newest format that this version reads; records of a newer one are skipped.
  static let format: UInt32 = 1
  static let incarnationMax: UInt64 = 1 << 63

  /// The incarnation of a pod's run, from its announcement's offset.
  ///
  /// Offsets never repeat and only grow, so it is unique in the cluster, and higher with each start of a name, without
  /// any clock. The nonce distinguishes it from runs before the topic was deleted and recreated.
  public static func incarnation(offset: Int64, nonce: UInt32) -> UInt64 {
    (UInt64(clamping: offset) + 1) << 20 | UInt64(nonce % noncesMax)
  }

  public static func key(ofPod name: String) -> String { "pod/\(name)" }
  public static func key(ofOwnerOf partition: PartitionID) -> String {
    "owner/\(partition.service.name)/\(partition.index)"
  }

  /// The value for a starting pod; its incarnation follows from the record's offset.
  public static func encode(_ pod: PodAnnouncement, nonce: UInt32) -> [UInt8] {
    encode(pod, nonce: nonce, incarnation: 0)
  }

  /// The value for a pod that announces itself again: it keeps its incarnation whatever the offset.
  public static func encode(again pod: PodAnnouncement) -> [UInt8] {
    encode(pod, nonce: 0, incarnation: pod.incarnation)
  }

  private static func encode(_ pod: PodAnnouncement, nonce: UInt32, incarnation: UInt64) -> [UInt8] {
    var writer = Writer(capacity: 256)
    writer.number(9, UInt64(pod.rules))
    if incarnation > 0 { writer.fixed64(8, incarnation) }
    writer.choice(7, pod.role)
    writer.number(6, pod.services.reduce(UInt64(0)) { $0 | 1 << UInt64($1.rawValue) })
    if !pod.operatorAddress.isEmpty { writer.text(5, pod.operatorAddress) }
    writer.number(3, UInt64(pod.port))
    writer.text(2, pod.host)
    writer.number(1, UInt64(nonce))
    return writer.withBytes { [UInt8]($0) }
  }

  public static func encode(_ owner: OwnerAnnouncement) -> [UInt8] {
    var writer = Writer(capacity: 32)
    writer.choice(3, owner.state)
    writer.fixed64(2, owner.incarnation)
    writer.number(1, owner.epoch)
    return writer.withBytes { [UInt8]($0) }
  }

  /// Decodes the record at an offset, whoever wrote it. Never traps.
  ///
  /// - Parameter value: nil for a record without one.
  /// - Throws: `WireError` if no version of this program wrote it, or a newer one did.
  public static func decode(
    key: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer?, offset: Int64
  ) throws(WireError) -> Announcement {
    guard key.count <= keyBytesMax else { throw .invalid("the key", "is too long") }
    let parts = String(decoding: key, as: UTF8.self).split(
      separator: "/", maxSplits: 2, omittingEmptySubsequences: false)
    switch parts.first {
    case "pod":
      let name = parts.dropFirst().joined(separator: "/")
      guard isVisible(name, 1...PodAnnouncement.nameBytesMax) else { throw .invalid("the pod's name", "is none") }
      guard let value else { return .podLeft(name: name) }
      return .pod(try pod(name, value, offset))
    case "owner":
      guard parts.count == 3, let service = Service.allCases.first(where: { $0.name.description == parts[1] }),
        let index = UInt16(parts[2]), Int(index) < WireLimits.partitionsMax
      else { throw .invalid("the key", "names no partition") }
      guard let value else { throw .missing("the owner") }
      return .owner(try owner(PartitionID(service, index), value))
    default: throw .invalid("the key", "is of a kind that this version does not know")
    }
  }

  static let keyBytesMax = 256
  static let addressBytesMax = 255
  /// The field common to both kinds of records.
  private static let formatField = 15

  private static func expectKnown(_ reader: inout Reader, _ field: Reader.Field) throws(WireError) {
    let stated = try reader.number(field)
    guard stated <= UInt64(format) else { throw .invalid("the record", "is of a newer format than this version reads") }
  }

  private static func isVisible(_ text: String, _ counts: ClosedRange<Int>) -> Bool {
    counts.contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
  }

  private static func pod(
    _ name: String, _ value: UnsafeRawBufferPointer, _ offset: Int64
  ) throws(WireError) -> PodAnnouncement {
    var reader = Reader(value)
    var (nonce, host, port, operatorAddress) = (UInt32(0), "", UInt16(0), "")
    var services: Set<Service> = []
    var role: PodRole?
    var stated: UInt64 = 0
    // Of a pod that names none.
    var rules = Rules.oneWriter
    while let field = try reader.next() {
      switch field.number {
      case 1: nonce = try reader.narrow(field, "the pod's nonce")
      case 2: host = try text(&reader, field)
      case 3: port = try reader.narrow(field, "the pod's port")
      case 5: operatorAddress = try text(&reader, field)
      case 6:
        let bits = try reader.number(field)
        services = Set(Service.allCases.filter { bits >> UInt64($0.rawValue) & 1 == 1 })
      case 7: role = try reader.choice(field, "the pod's role")
      case 8: stated = try reader.fixed64(field)
      case 9: rules = try reader.narrow(field, "the pod's rules")
      case formatField: try expectKnown(&reader, field)
      default: try reader.skip(field)
      }
    }
    guard isVisible(host, 1...addressBytesMax) else { throw .missing("the pod's host") }
    guard port > 0 else { throw .missing("the pod's port") }
    guard nonce < noncesMax else { throw .invalid("the pod's nonce", "is out of range") }
    guard stated <= incarnationMax else { throw .invalid("the pod's incarnation", "is out of range") }
    return PodAnnouncement(
      name: name, incarnation: stated > 0 ? stated : incarnation(offset: offset, nonce: nonce), host: host, port: port,
      operatorAddress: operatorAddress, services: services, role: try required(role, "the pod's role"),
      rules: rules)
  }

  private static func text(_ reader: inout Reader, _ field: Reader.Field) throws(WireError) -> String {
    let text = String(decoding: try reader.text(field), as: UTF8.self)
    guard isVisible(text, 1...addressBytesMax) else { throw .invalid("a text of the pod", "is not visible ASCII") }
    return text
  }

  private static func owner(
    _ partition: PartitionID, _ value: UnsafeRawBufferPointer
  ) throws(WireError) -> OwnerAnnouncement {
    var reader = Reader(value)
    var (epoch, incarnation) = (UInt64(0), UInt64(0))
    var state: OwnerAnnouncement.State?
    while let field = try reader.next() {
      switch field.number {
      case 1: epoch = try reader.number(field)
      case 2: incarnation = try reader.fixed64(field)
      case 3: state = try reader.choice(field, "the owner's state")
      case formatField: try expectKnown(&reader, field)
      default: try reader.skip(field)
      }
    }
    guard epoch > 0 else { throw .missing("the owner's epoch") }
    return OwnerAnnouncement(
      partition: partition, epoch: epoch, incarnation: incarnation, state: try required(state, "the owner's state"))
  }
}
