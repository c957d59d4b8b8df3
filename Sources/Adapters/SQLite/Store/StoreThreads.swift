import Model
import PartitionCore
import Ports
import Synchronization
import Lanes

/// The writer thread: everything queued becomes one transaction.
struct StoreWriterLoop {
  private let shared: SQLiteStore.Shared
  private let writer: StoreWriter

  init(_ shared: SQLiteStore.Shared, _ writer: StoreWriter) {
    self.shared = shared
    self.writer = writer
  }

  /// A request's result within its transaction.
  private enum Done {
    case acquired(Result<Ownership, StoreFailure>, @Sendable (Result<Ownership, StoreFailure>) -> Void)
    case written(Result<Void, StoreFailure>, @Sendable (Result<Void, StoreFailure>) -> Void)

    /// - Parameter failure: why the transaction was rolled back; nil if it was not.
    func complete(_ failure: StoreFailure?) {
      switch self {
      case .acquired(let result, let completion): completion(failure.map { .failure($0) } ?? result)
      case .written(let result, let completion): completion(failure.map { .failure($0) } ?? result)
      }
    }
  }

  func run() {
    while true {
      shared.writerSignal.wait()
      while true {
        let group = takeGroup()
        if group.isEmpty { break }
        perform(group)
      }
      if shared.state.withLock({ $0.isClosing && $0.writes.isEmpty }) { return }
    }
  }

  private func takeGroup() -> [SQLiteStore.WriteRequest] {
    shared.state.withLock { state in
      var changes = 0
      var count = 0
      for request in state.writes where changes < shared.options.groupChangesMax {
        count += 1
        if case .write(let batch, _, _) = request {
          changes += batch.changes.count + batch.outbox.count + batch.replies.count
        }
      }
      let group = Array(state.writes.prefix(count))
      state.writes.removeFirst(count)
      return group
    }
  }

  private func perform(_ group: [SQLiteStore.WriteRequest]) {
    if let failure = shared.state.withLock(\.failure) {
      for request in group { request.fail(failure) }
      return
    }
    do throws(DatabaseError) {
      try writer.beginTransaction()
    } catch {
      let failure = note(error)
      for request in group { request.fail(failure) }
      return
    }
    var done: [Done] = []
    var failure: StoreFailure?
    for request in group { done.append(perform(request, &failure)) }
    if failure == nil {
      do throws(DatabaseError) {
        try writer.commitTransaction()
      } catch {
        failure = note(error)
      }
    }
    if failure != nil { writer.rollback() }
    for outcome in done { outcome.complete(failure) }
    checkpoint()
  }

  /// Performs one request; `failure` receives what spoils the whole transaction. After that nothing more is done in it:
  /// SQLite may already have undone it, and later requests would be written without it.
  private func perform(_ request: SQLiteStore.WriteRequest, _ failure: inout StoreFailure?) -> Done {
    defer { if let failure, writer.isSyncFailed { shared.fail(failure) } }
    switch request {
    case .acquire(let partition, let floor, let completion):
      if let failure { return .acquired(.failure(failure), completion) }
      do throws(StoreFailure) {
        return .acquired(.success(try writer.acquire(partition, above: floor)), completion)
      } catch {
        if error.code != .format { failure = error }
        return .acquired(.failure(error), completion)
      }
    case .write(let batch, let epoch, let completion):
      if let failure { return .written(.failure(failure), completion) }
      do throws(StoreFailure) {
        try writer.write(batch, epoch: epoch)
        return .written(.success(()), completion)
      } catch {
        if error.code != .fenced { failure = error }
        return .written(.failure(error), completion)
      }
    }
  }

  private func checkpoint() {
    do throws(DatabaseError) {
      try writer.checkpointIfDue()
    } catch {
      _ = note(error)
    }
  }

  /// A failed sync ends the store.
  private func note(_ error: DatabaseError) -> StoreFailure {
    let failure = StoreFailure(error.isDamage ? .format : .write, error.message)
    if error.isSyncFailure { shared.fail(failure) }
    return failure
  }
}
