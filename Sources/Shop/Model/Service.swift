/// One of Kassa's three sharded services; each has its own command log and store.
public enum Service: UInt8, CaseIterable, Hashable, Sendable {
  /// Keyed by order id.
  case orders = 0
  /// Keyed by item id.
  case stock = 1
  /// Keyed by user id.
  case payments = 2

  /// The name of the service's command log in metrics, folders and topics.
  public var name: StaticString {
    switch self {
    case .orders: "orders"
    case .stock: "stock"
    case .payments: "payments"
    }
  }
}

/// One partition of one service's log: the unit of ownership, order and recovery.
public struct PartitionID: Hashable, Comparable, Sendable {
  public let service: Service
  /// 0 ..< the partition count.
  public let index: UInt16

  public init(_ service: Service, _ index: UInt16) {
    self.service = service
    self.index = index
  }

  public static func < (a: PartitionID, b: PartitionID) -> Bool {
    a.service == b.service ? a.index < b.index : a.service.rawValue < b.service.rawValue
  }
}

extension PartitionID: CustomStringConvertible {
  /// `orders-3`, the form of Kafka's topic partitions.
  public var description: String { "\(service.name)-\(index)" }
}

extension PartitionID {
  /// The partition's place in tables over all partitions, ascending; nil if there is no such partition.
  ///
  /// - Parameter count: partitions of each service.
  public func slot(of count: Int) -> Int? {
    Int(index) < count ? Int(service.rawValue) * count + Int(index) : nil
  }

  /// The partition at a place of such a table; nil beyond its end.
  ///
  /// - Parameter count: partitions of each service, at least 1.
  public init?(slot: Int, of count: Int) {
    guard let value = UInt8(exactly: slot / count), let service = Service(rawValue: value) else { return nil }
    self.init(service, UInt16(slot % count))
  }
}
