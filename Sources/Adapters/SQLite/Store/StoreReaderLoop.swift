import Model
import PartitionCore
import Ports
import Synchronization
import Lanes
import Wire

/// A reader thread: one load after another, and a page of orders when there is none.
struct StoreReaderLoop {
  private let shared: SQLiteStore.Shared
  private let rows: StoreRows
  private let place: Int

  init(_ shared: SQLiteStore.Shared, _ rows: StoreRows, _ place: Int) {
    self.shared = shared
    self.rows = rows
    self.place = place
  }

  func run() {
    while true {
      shared.readerSignals[place].wait()
      while let request = takeRequest() {
        switch request {
        case .load(let request): request.completion(load(request))
        case .orders(let request): request.completion(page(request))
        }
      }
      if shared.state.withLock({ $0.isClosing && $0.loads.isEmpty && $0.pages.isEmpty }) { return }
    }
  }

  private func takeRequest() -> SQLiteStore.ReadRequest? {
    shared.state.withLock { state in
      if !state.loads.isEmpty { return .load(state.loads.removeFirst()) }
      return state.pages.isEmpty ? nil : .orders(state.pages.removeFirst())
    }
  }

  private func load(_ request: SQLiteStore.LoadRequest) -> Result<[EntityChange], StoreFailure> {
    read(request.partition, request.epoch) { () throws(StoreFailure) in
      var loaded: [EntityChange] = []
      loaded.reserveCapacity(request.keys.count)
      for key in request.keys {
        loaded.append(EntityChange(key: key, value: try rows.entity(key, of: request.partition)))
      }
      return loaded
    }
  }

  private func page(_ request: SQLiteStore.OrdersRequest) -> Result<[StoredOrder], StoreFailure> {
    read(request.partition, request.epoch) { () throws(StoreFailure) in
      let after = request.after.map { EntityCodec.text(of: .order($0)) } ?? ""
      return try rows.entities(
        ofKind: Self.orderKind, of: request.partition, after: after, limit: request.limit
      ).compactMap { StoredOrder($0) }
    }
  }

  private static let orderKind = EntityCodec.kind(of: .order(OrderID(unchecked: "0")))

  /// Reads rows of one moment, under the partition's newest epoch.
  private func read<Value>(
    _ partition: PartitionID, _ epoch: UInt64, _ body: () throws(StoreFailure) -> Value
  ) -> Result<Value, StoreFailure> {
    if let failure = shared.state.withLock(\.failure) { return .failure(failure) }
    do throws(StoreFailure) {
      return .success(
        try rows.atOnePoint { () throws(StoreFailure) in
          try rows.checkEpoch(epoch, of: partition)
          return try body()
        })
    } catch {
      return .failure(error)
    }
  }
}
