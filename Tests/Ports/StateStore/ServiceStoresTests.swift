import Model
import PartitionCore
import Ports
import Testing

@Suite struct ServiceStoresTests {
  private let orders = MemoryStore()
  private let stock = MemoryStore()
  private var stores: ServiceStores { ServiceStores([.orders: orders, .stock: stock]) }

  @Test func eachPartitionBelongsToTheStoreOfItsService() throws {
    for (partition, own, other) in [
      (PartitionID(.orders, 1), orders, stock), (PartitionID(.stock, 1), stock, orders),
    ] {
      let epoch = try stores.acquire(partition).epoch
      try stores.writeNow(batch(partition, 3, [(item("a"), stockOf(1))]), epoch: epoch)
      #expect(try stores.loadNow([item("a")], of: partition, epoch: epoch).map(\.value) == [stockOf(1)])
      #expect(own.contents(of: partition).header?.offset == 3)
      #expect(other.contents(of: partition).header == nil)
    }
  }

  @Test func refusesServicesWithoutAStore() {
    let partition = PartitionID(.payments, 0)
    for ask in [
      { _ = try stores.acquire(partition) }, { _ = try stores.loadNow([item("a")], of: partition, epoch: 1) },
      { try stores.writeNow(batch(partition, 1, []), epoch: 1) },
    ] {
      let failure = #expect(throws: StoreFailure.self) { try ask() }
      #expect(failure?.code == .format && failure?.message.contains("no store for payments-0") == true)
    }
  }

  @Test func failsWhenOneFails() {
    #expect(stores.failure == nil)
    let failed = ServiceStores([.orders: orders, .payments: FailedStore(), .stock: stock])
    #expect(failed.failure?.message == "the disk is gone")
  }

  @Test func closesAll() {
    stores.close()
    for store in [orders, stock] {
      #expect { try store.acquire(PartitionID(.stock, 0)) } throws: { ($0 as? StoreFailure)?.code == .closed }
    }
  }
}

/// A store that works no more.
private final class FailedStore: StateStore {
  let failure: StoreFailure? = StoreFailure(.write, "the disk is gone")
  func acquire(_ partition: PartitionID, above floor: UInt64) throws(StoreFailure) -> Ownership {
    throw StoreFailure(.write, "no")
  }
  func load(
    _ keys: [EntityKey], of partition: PartitionID, epoch: UInt64,
    completion: @escaping @Sendable (Result<[EntityChange], StoreFailure>) -> Void
  ) {}
  func orders(
    of partition: PartitionID, after: OrderID?, limit: Int, epoch: UInt64,
    completion: @escaping @Sendable (Result<[StoredOrder], StoreFailure>) -> Void
  ) {}
  func write(
    _ batch: CheckpointBatch, epoch: UInt64, completion: @escaping @Sendable (Result<Void, StoreFailure>) -> Void
  ) {}
  func close() {}
}
