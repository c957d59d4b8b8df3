import Model
import PartitionCore
import Ports

/// A request to a writer.
struct WriteRequest: Sendable {
  enum Work: Sendable {
    case acquire(above: UInt64, @Sendable (Result<Ownership, StoreFailure>) -> Void)
    case write(CheckpointBatch, epoch: UInt64, @Sendable (Result<Void, StoreFailure>) -> Void)
  }

  let partition: PartitionID
  let work: Work
  /// When its owner must learn that the server is unreachable, in milliseconds of `MonotonicClock`.
  let deadline: Int64
  /// Connections lost while it was under way.
  var losses = 0

  func fail(_ failure: StoreFailure) {
    switch work {
    case .acquire(_, let completion): completion(.failure(failure))
    case .write(_, _, let completion): completion(.failure(failure))
    }
  }

  var rowCount: Int {
    guard case .write(let batch, _, _) = work else { return 0 }
    return batch.changes.count + batch.outbox.count + batch.replies.count
  }
}

/// A request to a reader.
struct LoadRequest: Sendable {
  enum Work: Sendable {
    case entities([EntityKey], @Sendable (Result<[EntityChange], StoreFailure>) -> Void)
    case orders(after: OrderID?, limit: Int, @Sendable (Result<[StoredOrder], StoreFailure>) -> Void)
  }

  let work: Work
  let partition: PartitionID
  let epoch: UInt64
  let deadline: Int64
  var losses = 0

  /// Calls the completion with the rows that were found.
  func complete(_ result: Result<[EntityChange], StoreFailure>) {
    switch work {
    case .entities(_, let completion): completion(result)
    case .orders(_, _, let completion): completion(result.map { rows in rows.compactMap { StoredOrder($0) } })
    }
  }
}
