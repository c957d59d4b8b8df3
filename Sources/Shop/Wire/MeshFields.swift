import Model
import PartitionCore
import Streams

extension MeshMessage {
  /// The numbers of the oneof's members.
  private static let kinds = 1...15

  init(wire: Reader) throws(WireError) {
    var reader = wire
    var message: MeshMessage?
    while let field = try reader.next() {
      switch field.number {
      case Self.kinds: message = try Self.read(reader.message(field), kind: field.number)
      default: try reader.skip(field)
      }
    }
    guard let message else { throw WireError("a message is of a kind that this version does not know") }
    self = message
  }

  private static func read(_ wire: Reader, kind: Int) throws(WireError) -> MeshMessage {
    switch kind {
    case 1:
      let tenure = try MeshTenure(wire: wire)
      return .owns(tenure.owner, tenure.partition)
    case 2: return try released(wire)
    case 3:
      let word = try StreamWord(wire: wire)
      return .hello(word.source, word.tenure.partition, word.tenure.owner, asker: word.asker)
    case 4: return .commands(try StreamFrame(commandsWire: wire))
    case 5: return .messages(try StreamFrame(messagesWire: wire))
    case 6:
      let (requests, tenure) = try list(wire, "receipts") { reader throws(WireError) in try RequestID(wire: reader) }
      return .repliesReceived(requests, tenure.partition, tenure.owner)
    case 7:
      let (request, query) = try about(wire, "the query") { reader throws(WireError) in try Query(wire: reader) }
      return .read(query, request)
    case 8: return .greeting(try StreamWord(wire: wire).greeting)
    case 9: return .acknowledgement(try StreamWord(wire: wire).acknowledgement)
    case 10: return .gap(try StreamWord(wire: wire).gap)
    case 11:
      let tenure = try MeshTenure(wire: wire)
      return .notMine(tenure.partition, tenure.owner)
    case 12:
      let (replies, tenure) = try list(wire, "replies") { reader throws(WireError) in try CommandReply(wire: reader) }
      return .replies(replies, tenure.partition, tenure.owner)
    case 13:
      let (request, view) = try about(wire, "the view") { reader throws(WireError) in try View(wire: reader) }
      return .answer(request, view)
    case 14: return .readForwarded(try RequestID(wire: wire))
    default:
      let (request, refusal) = try about(wire, "the refusal") { reader throws(WireError) in
        try RequestRefusal(wire: reader)
      }
      return .readRefused(request, refusal)
    }
  }

  private static func released(_ wire: Reader) throws(WireError) -> MeshMessage {
    var reader = wire
    var tenure: MeshTenure?
    var epoch: UInt64 = 0
    var run: UInt64 = 0
    while let field = try reader.next() {
      switch field.number {
      case 1: tenure = try MeshTenure(wire: reader.message(field))
      case 2: epoch = try reader.number(field)
      case 3: run = try reader.fixed64(field)
      default: try reader.skip(field)
      }
    }
    let former = try required(tenure, "the tenure")
    guard epoch > 0 else { throw .missing("the next owner's epoch") }
    return .released(by: former.owner, former.partition, to: OwnerID(epoch: epoch, run: run))
  }

  /// `MeshReceipts` and `MeshReplies`: elements that concern one tenure.
  private static func list<Element>(
    _ wire: Reader, _ part: StaticString, _ element: (Reader) throws(WireError) -> Element
  ) throws(WireError) -> ([Element], MeshTenure) {
    var reader = wire
    var tenure: MeshTenure?
    var elements: [Element] = []
    elements.reserveCapacity(reader.count(of: 2, max: WireLimits.meshListMax))
    while let field = try reader.next() {
      switch field.number {
      case 1: tenure = try MeshTenure(wire: reader.message(field))
      case 2:
        guard elements.count < WireLimits.meshListMax else { throw WireError("there are too many \(part)") }
        elements.append(try element(reader.message(field)))
      default: try reader.skip(field)
      }
    }
    return (elements, try required(tenure, "the tenure"))
  }

  /// `MeshRead`, `MeshAnswer` and `MeshRefusal`: messages about one request.
  private static func about<Value>(
    _ wire: Reader, _ part: StaticString, _ value: (Reader) throws(WireError) -> Value
  ) throws(WireError) -> (RequestID, Value) {
    var reader = wire
    var request: RequestID?
    var said: Value?
    while let field = try reader.next() {
      switch field.number {
      case 1: request = try RequestID(wire: reader.message(field))
      case 2: said = try value(reader.message(field))
      default: try reader.skip(field)
      }
    }
    return (try required(request, "the read's request"), try required(said, part))
  }

  /// The number of elements that may be split among several messages.
  var listCount: Int {
    switch self {
    case .commands(let frame): frame.inputs.count
    case .messages(let frame): frame.inputs.count
    case .repliesReceived(let requests, _, _): requests.count
    case .replies(let replies, _, _): replies.count
    case .owns, .released, .hello, .read, .greeting, .acknowledgement, .gap, .notMine, .answer, .readForwarded,
      .readRefused:
      0
    }
  }

  /// - Parameter list: which of the splittable elements are written.
  func write(to writer: inout Writer, list: Range<Int>) {
    switch self {
    case .owns(let owner, let partition):
      writer.message(1) { MeshTenure(partition: partition, owner: owner).write(to: &$0) }
    case .released(let former, let partition, let next):
      writer.message(2) { writer in
        writer.fixed64(3, next.run)
        writer.number(2, next.epoch)
        writer.message(1) { MeshTenure(partition: partition, owner: former).write(to: &$0) }
      }
    case .hello(let source, let destination, let owner, let asker):
      writer.message(3) { StreamWord(source, destination, owner, asker: asker).write(to: &$0) }
    case .commands(let frame):
      writer.message(4) { frame.write(to: &$0, list) { input, writer in input.write(to: &writer) } }
    case .messages(let frame):
      writer.message(5) {
        frame.write(to: &$0, list) { message, writer in
          writer.message(message.kind) { message.write(to: &$0) }
        }
      }
    case .repliesReceived(let requests, let partition, let owner):
      writer.message(6) { writer in
        for place in list.reversed() { writer.message(2) { requests[place].write(to: &$0) } }
        writer.message(1) { MeshTenure(partition: partition, owner: owner).write(to: &$0) }
      }
    case .read(let query, let request): writer.message(7) { Self.write(request, to: &$0) { query.write(to: &$0) } }
    case .greeting(let greeting): writer.message(8) { StreamWord(greeting).write(to: &$0) }
    case .acknowledgement(let word): writer.message(9) { StreamWord(word).write(to: &$0) }
    case .gap(let gap): writer.message(10) { StreamWord(gap).write(to: &$0) }
    case .notMine(let partition, let owner):
      writer.message(11) { MeshTenure(partition: partition, owner: owner).write(to: &$0) }
    case .replies(let replies, let partition, let owner):
      writer.message(12) { writer in
        for place in list.reversed() { writer.message(2) { replies[place].write(to: &$0) } }
        writer.message(1) { MeshTenure(partition: partition, owner: owner).write(to: &$0) }
      }
    case .answer(let request, let view): writer.message(13) { Self.write(request, to: &$0) { view.write(to: &$0) } }
    case .readForwarded(let request): writer.message(14) { request.write(to: &$0) }
    case .readRefused(let request, let refusal):
      writer.message(15) { Self.write(request, to: &$0) { refusal.write(to: &$0) } }
    }
  }

  private static func write(_ request: RequestID, to writer: inout Writer, _ value: (inout Writer) -> Void) {
    writer.message(2, value)
    writer.message(1) { request.write(to: &$0) }
  }
}

/// One tenure of a partition.
struct MeshTenure {
  let partition: PartitionID
  let owner: OwnerID

  init(partition: PartitionID, owner: OwnerID) {
    self.partition = partition
    self.owner = owner
  }

  init(wire: Reader) throws(WireError) {
    var reader = wire
    var partition: PartitionID?
    var epoch: UInt64 = 0
    var run: UInt64 = 0
    while let field = try reader.next() {
      switch field.number {
      case 1: partition = try PartitionID(wire: reader.message(field))
      case 2: epoch = try reader.number(field)
      case 3: run = try reader.fixed64(field)
      default: try reader.skip(field)
      }
    }
    guard epoch > 0 else { throw .missing("the owner's epoch") }
    self.init(partition: try required(partition, "the tenure's partition"), owner: OwnerID(epoch: epoch, run: run))
  }

  func write(to writer: inout Writer) {
    writer.fixed64(3, owner.run)
    writer.number(2, owner.epoch)
    writer.message(1) { partition.write(to: &$0) }
  }
}
