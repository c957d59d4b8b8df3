import Foundation
import Model
import Wire

/// The log of a release, as it stands in a file of this folder.
public struct GoldenLog {
  public struct Malformed: Error {
    public let line: String
  }

  /// In the order of the log.
  public private(set) var deliveries: [Delivery] = []
  /// What the release itself came to.
  public private(set) var state = ""

  public init(_ release: String) throws {
    guard let url = Bundle.module.url(forResource: release, withExtension: "txt") else {
      throw Malformed(line: "there is no \(release).txt")
    }
    for line in try String(contentsOf: url, encoding: .utf8).split(separator: "\n") where !line.hasPrefix("#") {
      let words = line.split(separator: " ").map(String.init)
      if words.count == 2, words[0] == "state" {
        state = words[1]
      } else {
        guard words.count == 3, let partition = Self.partition(words[0]), let offset = Int64(words[1]),
          let bytes = Self.bytes(words[2])
        else { throw Malformed(line: String(line.prefix(80))) }
        let record = try bytes.withUnsafeBytes { bytes in try RecordCodec.decode(bytes) }
        deliveries.append(
          Delivery(partition: partition, offset: offset, position: .zero, content: .record(record)))
      }
    }
  }

  /// How many partitions each service has.
  public var partitionCount: Int { 1 + Int(deliveries.map(\.partition.index).max() ?? 0) }

  public var entries: [(to: PartitionID, entry: Entry)] {
    deliveries.flatMap { delivery -> [(to: PartitionID, entry: Entry)] in
      guard case .record(let record) = delivery.content else { return [] }
      return record.entries.map { (delivery.partition, $0) }
    }
  }

  private static func partition(_ text: String) -> PartitionID? {
    let parts = text.split(separator: "-")
    guard parts.count == 2, let index = UInt16(parts[1]),
      let service = Service.allCases.first(where: { $0.name.description == parts[0] })
    else { return nil }
    return PartitionID(service, index)
  }

  private static func bytes(_ text: String) -> [UInt8]? {
    let digits = text.compactMap(\.hexDigitValue)
    guard digits.count == text.count, digits.count % 2 == 0 else { return nil }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) }
  }
}
