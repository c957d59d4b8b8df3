import Model
import PartitionCore
import Ports
import TestSupport
import Testing

@testable import Runtime

@Suite struct MemoryPoolTests {
  @Test func theBoundsAreOfAllTogether() {
    let pool = MemoryPool(residentMax: 10, dirtyMax: 4)
    let (busy, idle) = (MemoryPool.Holding(resident: 9, dirty: 2), MemoryPool.Holding(resident: 2, dirty: 2))
    for _ in 0..<2 { pool.join() }
    pool.change(from: .init(), to: busy)
    #expect(pool.share == nil && !pool.isCheckpointDue && !pool.isDirtyBoundReached, "it may use what others leave")
    pool.change(from: .init(), to: idle)
    #expect(pool.share == 5 && pool.isCheckpointDue && pool.isDirtyBoundReached)
    pool.leave(idle)
    #expect(pool.share == nil && !pool.isDirtyBoundReached && pool.holding == busy)
    pool.leave(busy)
    #expect(pool.holding == MemoryPool.Holding())
  }

  /// Users by partition, in turn.
  private func users(_ count: Int, _ bench: OwnerBench) -> [UserID] {
    var users: [UserID] = []
    var number = 0
    while users.count < count {
      let user = UserID(unchecked: "user\(number)")
      number += 1
      let index = Int(bench.partitioner.partition(of: user).index)
      if index == users.count % bench.partitioner.count { users.append(user) }
    }
    return users
  }

  /// A store that acknowledges nothing: commands are refused when all partitions together have changed so much.
  @Test func whatIsDirtyAnywhereHoldsUpCommandsEverywhere() throws {
    let bench = try OwnerBench {
      $0.core.dirtyMax = 6
      $0.core.checkpointEntitiesDue = 6
    }
    defer { bench.stop() }
    bench.store.holdCompletions()
    var taken = 0
    var refused: [UserID] = []
    for user in users(24, bench) {
      if try bench.submit(.payments(.create(user, .random))) == .refused(.overloaded) {
        refused.append(user)
      } else {
        taken += 1
      }
    }
    #expect((6...6 + bench.partitioner.count).contains(taken), "\(taken)")
    bench.store.releaseCompletions()
    for user in refused {
      #expect(
        eventually { (try? bench.submit(.payments(.create(user, .random)))) != .refused(.overloaded) }, "\(user)")
    }
  }

  /// Clean entities of a partition leave when all hold too many, and come back when they are asked for.
  @Test func whatIsResidentAnywhereMakesRoomEverywhere() throws {
    let bench = try OwnerBench { $0.core.residentMax = 8 }
    defer { bench.stop() }
    let users = users(40, bench)
    for user in users { _ = try bench.submit(.payments(.create(user, .random))) }
    #expect(eventually { bench.runtime.shared.memory.holding.resident <= 8 })
    for user in users {
      guard case .view(.user(let view)) = try bench.ask(.user(user)) else {
        Issue.record("\(user) has no answer")
        continue
      }
      #expect(view != nil)
    }
  }
}
