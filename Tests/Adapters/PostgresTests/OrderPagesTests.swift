import Model
import PartitionCore
import Ports
import Postgres
import Synchronization
import TestSupport
import Testing

/// Pages of orders over connections that end, and from a database that was set back.
@Suite struct OrderPagesTests {
  let fixture: Fixture
  let proxy: CuttingProxy
  let store: PostgresStore
  let epoch: UInt64

  init() throws {
    fixture = try Fixture()
    proxy = try CuttingProxy(socketPath: fixture.server.socketPath)
    store = try fixture.open(via: fixture.connection(through: proxy)) {
      $0.writerCount = 1
      $0.readerCount = 1
      $0.loadWaitMilliseconds = 500
    }
    epoch = try store.acquire(stock).epoch
    try store.writeNow(batch(10, [(order("a"), row), (order("b"), row)]), epoch: epoch)
    try fixture.saveTables()
    try store.writeNow(batch(20, [(order("c"), row)]), epoch: epoch)
    // The reader has its connection.
    _ = try store.loadNow([item("a")], epoch: epoch)
  }

  private let row = Entity.order(Order(user: UserID(unchecked: "u"), changedAt: Timestamp(milliseconds: 7)))
  private func order(_ id: String) -> EntityKey { .order(OrderID(unchecked: id)) }

  private final class Pages: Sendable {
    let results = Mutex<[Result<[StoredOrder], StoreFailure>]>([])
    var count: Int { results.withLock(\.count) }
    var ids: [String]? { results.withLock { $0.first.flatMap { try? $0.get().map(\.id.text) } } }
    var failure: StoreFailure? {
      results.withLock { if case .failure(let failure)? = $0.first { failure } else { nil } }
    }
  }

  private func page(after: String? = nil, limit: Int = 9) -> Pages {
    let pages = Pages()
    store.orders(of: stock, after: after.map { OrderID(unchecked: $0) }, limit: limit, epoch: epoch) { result in
      pages.results.withLock { $0.append(result) }
    }
    #expect(eventually { pages.count == 1 })
    return pages
  }

  private func end() {
    store.close()
    proxy.end()
  }

  @Test(arguments: [CuttingProxy.Fault.cutAtRequest, .cutAtAnswer])
  func aPageWhoseConnectionIsLostIsReadAgain(_ fault: CuttingProxy.Fault) throws {
    proxy.set(fault, passing: 0)
    #expect(page(after: "a", limit: 2).ids == ["b", "c"])
    #expect(proxy.faultsMet == 1 && store.counters.pages == 1)
    end()
  }

  @Test func anUnreachableServerFailsThePageAfterAWhile() throws {
    proxy.setOpen(false)
    #expect(page().failure?.code == .read)
    proxy.setOpen(true)
    #expect(eventually { store.status.isConnected })
    #expect(page().ids == ["a", "b", "c"])
    end()
  }

  @Test func aDatabaseThatWasSetBackIsRefused() throws {
    try fixture.setBackTables()
    #expect(page().failure?.code == .setBack)
    #expect(store.counters.setBack == 1)
    end()
  }

  @Test func aRowThatIsNoOrderFailsThePageByName() throws {
    try fixture.sql("UPDATE kassa.entities SET body = '\\xff'::bytea WHERE key = 'b'")
    let failure = page().failure
    #expect(failure?.code == .format && failure?.message.contains("row b of stock-1") == true, "\(failure as Any)")
    #expect(page(limit: 1).ids == ["a"])
    end()
  }
}
