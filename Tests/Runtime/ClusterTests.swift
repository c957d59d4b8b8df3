import Ports
import Glibc
import Model
import PartitionCore
import Streams
import TestSupport
import Testing

@testable import Runtime

/// Pods that take partitions over from each other, with log, store and network in memory.
@Suite struct ClusterTests {
  let order = OrderID(unchecked: "order")
  let user = UserID(unchecked: "user")
  let items = (0..<6).map { ItemID(unchecked: "item\($0)") }

  /// A user with credit, an order with one unit of each item, and stock; asked of pods in turn.
  func fill(_ pods: [PodBench], credit: Int64, stock: Int64) throws {
    let price = Money(unchecked: 10)
    let first = pods[0].requests
    #expect(try first.submit(.payments(.create(user, .random))) == .outcome(.created(id: "user"), isReplayed: false))
    _ = try first.submit(.payments(.addFunds(user, Money(unchecked: credit))))
    _ = try first.submit(.orders(.create(order, user: user, .random)))
    for (index, item) in items.enumerated() {
      let (requests, lane) = (pods[index % pods.count].requests, index % 2)
      _ = try requests.submit(.stock(.create(item, price: price, .random)), lane: lane)
      _ = try requests.submit(.stock(.add(item, Quantity(unchecked: stock))), lane: lane)
      _ = try requests.submit(.orders(.addItem(order, item, .one, price: price)), lane: lane)
    }
  }

  func stock(_ item: ItemID, _ pod: PodBench) throws -> Int64? {
    guard case .view(.item(let view)) = try pod.requests.ask(.item(item), lane: 1) else { return nil }
    return view?.available.value
  }

  func credit(_ pod: PodBench) throws -> Int64? {
    guard case .view(.user(let view)) = try pod.requests.ask(.user(user)) else { return nil }
    return view?.credit.value
  }

  func add(_ amount: Int64, _ pod: PodBench) throws -> RequestResult {
    try pod.requests.submit(.payments(.addFunds(user, Money(unchecked: amount))))
  }

  @Test func onePodOwnsAllThatItIsAssigned() throws {
    let cluster = try TestCluster()
    let pod = try cluster.pod()
    defer { pod.stop() }
    cluster.deal(to: [pod])
    #expect(pod.waitUntilReady())
    try fill([pod], credit: 100, stock: 3)
    #expect(try pod.requests.submit(.orders(.checkout(order))) == .outcome(.done, isReplayed: false))
    #expect(try credit(pod) == 40)
    for item in items { #expect(try stock(item, pod) == 2) }
  }

  @Test func anyPodTakesAnyRequest() throws {
    let cluster = try TestCluster()
    let pods = try [cluster.pod(), cluster.pod(), cluster.pod(owns: [])]
    defer { for pod in pods { pod.kill() } }
    cluster.deal(to: Array(pods[..<2]))
    for pod in pods { #expect(pod.waitUntilReady()) }
    try fill(pods, credit: 100, stock: 3)
    #expect(try pods[2].requests.submit(.orders(.checkout(order))) == .outcome(.done, isReplayed: false))
    for pod in pods {
      #expect(try credit(pod) == 40)
      for item in items { #expect(try stock(item, pod) == 2) }
    }
  }

  @Test func anOwnerThatDiesIsReplacedAndItsRequestsAreAnswered() throws {
    let cluster = try TestCluster()
    let (first, second) = (try cluster.pod(), try cluster.pod())
    defer { second.kill() }
    cluster.deal(to: [first], idle: [second])
    #expect(first.waitUntilReady() && second.waitUntilReady())
    try fill([first, second], credit: 100, stock: 3)
    first.kill()
    let partition = cluster.partitioner.partition(of: user)
    let (user, command) = (user, Command.payments(.addFunds(user, Money(unchecked: 5))))
    let write = second.requests.begin(0) { port, number throws(RequestRefusal) in
      try port.submit(command, to: partition, number: number, idempotency: nil, trace: nil)
    }
    let read = second.requests.begin(1) { port, number throws(RequestRefusal) in
      try port.ask(.user(user), number: number)
    }
    #expect(write.wait(seconds: 0.1) == nil && read.wait(seconds: 0.1) == nil, "nobody owns it")
    cluster.deal(to: [second])
    #expect(write.wait() == .outcome(.done, isReplayed: false))
    #expect(read.wait() != nil)
    #expect(try credit(second) == 105)
    #expect(try second.requests.submit(.orders(.checkout(order))) == .outcome(.done, isReplayed: false))
  }

  /// Nothing fails and nothing is lost while partitions go to and fro.
  @Test func handOversUnderLoad() throws {
    let cluster = try TestCluster()
    let (first, second) = (try cluster.pod(), try cluster.pod())
    cluster.deal(to: [first], idle: [second])
    #expect(first.waitUntilReady() && second.waitUntilReady())
    try fill([first, second], credit: 100, stock: 3)
    for round in 0..<6 {
      cluster.deal(to: round % 2 == 0 ? [first, second] : [second, first])
      for number in 0..<10 {
        let pod = number % 2 == 0 ? first : second
        #expect(try add(1, pod) == .outcome(.done, isReplayed: false))
        let view = try pod.requests.ask(.user(user))
        guard case .view(.user(let shown)) = view else {
          Issue.record("round \(round), command \(number): \(view)")
          continue
        }
        #expect(shown?.credit.value == Int64(100 + round * 10 + number + 1), "round \(round), command \(number)")
      }
    }
    first.stop()
    #expect(try credit(second) == 160)
    second.stop(handoverMilliseconds: 0)
  }

  /// With a lease of ten seconds: who leaves in order says so, and its successor need not wait.
  @Test func whoLeavesInOrderLeavesNoGap() throws {
    let cluster = try TestCluster(partitions: 1, leaseMilliseconds: 10_000)
    let (first, second) = (try cluster.pod(), try cluster.pod())
    cluster.deal(to: [first], idle: [second])
    #expect(first.waitUntilReady() && second.waitUntilReady())
    try fill([first], credit: 100, stock: 3)
    #expect(try credit(first) == 100)
    cluster.deal(to: [second, first])
    first.stop()
    let clock = ContinuousClock()
    let start = clock.now
    #expect(try add(1, second) == .outcome(.done, isReplayed: false))
    #expect(clock.now - start < .seconds(5))
    #expect(try credit(second) == 101)
    let controls = cluster.broker.controls(of: PartitionID(.payments, 0))
    #expect(!controls.contains(.released(epoch: 1)), "it told its successor")
    second.stop(handoverMilliseconds: 0)
    #expect(cluster.broker.controls(of: PartitionID(.payments, 0)).last == .released(epoch: 2), "nobody came")

    let third = try cluster.pod()
    defer { third.kill() }
    cluster.deal(to: [third])
    #expect(third.waitUntilReady())
    #expect(try credit(third) == 101)
  }

  /// A pod that is cut off from the log and does not know it answers no read when its lease is over, and no write is
  /// acknowledged by its successor before that.
  @Test func aZombieShowsNothingOld() throws {
    let cluster = try TestCluster(partitions: 1, leaseMilliseconds: 400)
    let (zombie, successor) = (try cluster.pod(), try cluster.pod())
    defer { zombie.kill() }
    cluster.deal(to: [zombie])
    #expect(zombie.waitUntilReady())
    try fill([zombie], credit: 100, stock: 3)
    #expect(try credit(zombie) == 100)
    zombie.log.cutOff()
    cluster.deal(to: [successor])
    #expect(successor.waitUntilReady())
    #expect(try add(7, successor) == .outcome(.done, isReplayed: false))
    let user = user
    let read = zombie.requests.begin(0) { port, number throws(RequestRefusal) in
      try port.ask(.user(user), number: number)
    }
    if case .view(.user(let view)) = read.wait(seconds: 0.5) { #expect(view?.credit.value == 107) }
    zombie.log.heal()
    #expect(try credit(zombie) == 107)
    #expect(try credit(successor) == 107)
    successor.stop(handoverMilliseconds: 0)
  }

  /// A store that was restored gives epochs out again that stand in the log behind its checkpoint.
  @Test(arguments: [false, true])
  func aRestoredStoreIsTakenOverAgain(isMapLost: Bool) throws {
    let cluster = try TestCluster(partitions: 1, leaseMilliseconds: 100)
    let first = try cluster.pod()
    cluster.deal(to: [first])
    #expect(first.waitUntilReady())
    try fill([first], credit: 100, stock: 3)
    #expect(eventually { first.reports.allSatisfy { $0.checkpointedOffset == $0.appliedOffset } })
    let backup = cluster.store.backup()
    first.stop(handoverMilliseconds: 0)
    for epoch in 2...4 {
      let pod = try cluster.pod()
      cluster.deal(to: [pod])
      #expect(pod.waitUntilReady())
      #expect(pod.reports.allSatisfy { $0.epoch == epoch })
      #expect(try add(1, pod) == .outcome(.done, isReplayed: false))
      pod.stop(handoverMilliseconds: 0)
    }
    cluster.store.restore(backup)
    if isMapLost { cluster.loseMap() }
    let last = try cluster.pod()
    cluster.deal(to: [last])
    #expect(last.waitUntilReady())
    #expect(try credit(last) == 103)
    #expect(try add(1, last) == .outcome(.done, isReplayed: false))
    #expect(try credit(last) == 104)
    #expect(last.reports.allSatisfy { $0.epoch == 5 })
    last.stop(handoverMilliseconds: 0)
    #expect(cluster.store.contents(of: PartitionID(.payments, 0)).header != nil)
  }

  /// A pod that is assigned a partition and cannot read the log leaves the present owner alone.
  @Test func whoCannotReadTheLogTakesNothing() throws {
    let cluster = try TestCluster(partitions: 1)
    let (first, second) = (try cluster.pod(), try cluster.pod())
    defer { for pod in [first, second] { pod.kill() } }
    cluster.deal(to: [first])
    #expect(first.waitUntilReady())
    try fill([first], credit: 100, stock: 3)
    second.log.answerNoQuestions(true)
    cluster.deal(to: [second, first])
    #expect(eventually { second.failures.count >= 6 })
    #expect(try add(1, first) == .outcome(.done, isReplayed: false))
    #expect(try credit(first) == 101)
    #expect(first.reports.map(\.epoch) == [1, 1, 1])
    second.log.answerNoQuestions(false)
    #expect(second.waitUntilReady())
    #expect(try credit(second) == 101)
    #expect(second.reports.map(\.epoch) == [2, 2, 2])
  }

  /// What a group takes away goes on; a start is over when what came last has been taken over.
  @Test func whatIsRevokedIsNotWaitedFor() throws {
    let cluster = try TestCluster(partitions: 1)
    let pod = try cluster.pod()
    cluster.store.failWrites(with: StoreFailure(.write, "away"))
    cluster.deal(to: [pod])
    #expect(eventually { Service.allCases.allSatisfy { pod.runtime.isFailingToTakeOver($0) } })
    for service in Service.allCases { pod.runtime.revoke(service) }
    #expect(eventually { pod.pending.isEmpty })
    #expect(pod.runtime.phase == .starting && !pod.runtime.isFailingToTakeOver(.stock))
    cluster.store.failWrites(with: nil)
    cluster.deal(to: [pod])
    #expect(pod.waitUntilReady())
    pod.runtime.revoke(.stock)
    try fill([pod], credit: 100, stock: 3)
    #expect(pod.reports.count == 3 && pod.runtime.phase == .running)
    pod.stop(handoverMilliseconds: 0)
  }

  /// A reply that did not reach the pod that took the command is given again by whoever owns the partition then, also
  /// when the checkpoint includes the command already.
  @Test func aReplyThatDidNotArriveIsGivenByTheNextOwner() throws {
    let cluster = try TestCluster(partitions: 1, leaseMilliseconds: 100)
    let (first, second) = (try cluster.pod(), try cluster.pod { $0.streamSilenceMilliseconds = 300 })
    cluster.deal(to: [first], idle: [second])
    #expect(first.waitUntilReady() && second.waitUntilReady())
    try fill([first], credit: 100, stock: 3)
    _ = try add(1, second)
    cluster.pods.cut(first.incarnation, second.incarnation)
    let (user, partition) = (user, PartitionID(.payments, 0))
    let command = Command.payments(.addFunds(user, Money(unchecked: 5)))
    // What it sends arrives, and what comes back does not.
    let write = second.requests.begin(0) { port, number throws(RequestRefusal) in
      try port.submit(command, to: partition, number: number, idempotency: nil, trace: nil)
    }
    #expect(write.wait(seconds: 0.2) == nil)
    cluster.pods.mend(first.incarnation, second.incarnation)
    #expect(write.wait() == .outcome(.done, isReplayed: false))
    cluster.pods.refuse(second.incarnation)
    let lost = second.requests.begin(0) { port, number throws(RequestRefusal) in
      try port.submit(command, to: partition, number: number, idempotency: nil, trace: nil)
    }
    #expect(eventually { (try? credit(first)) == 111 && first.isCheckpointed })
    #expect(lost.wait(seconds: 0.1) == nil)
    first.kill()
    cluster.pods.refuse(second.incarnation, false)
    cluster.deal(to: [second])
    #expect(lost.wait() == .outcome(.done, isReplayed: false))
    #expect(try credit(second) == 111)
    second.stop(handoverMilliseconds: 0)
  }

  /// Replies that a pod could not be sent reach it later.
  @Test func aReplyThatCouldNotBeSentIsSentAgain() throws {
    let cluster = try TestCluster(partitions: 1, leaseMilliseconds: 100)
    let (first, second) = (try cluster.pod { $0.streamSilenceMilliseconds = 200 }, try cluster.pod())
    cluster.deal(to: [first], idle: [second])
    #expect(first.waitUntilReady() && second.waitUntilReady())
    try fill([first], credit: 100, stock: 3)
    _ = try add(1, second)
    cluster.pods.refuse(second.incarnation)
    let command = Command.payments(.addFunds(user, Money(unchecked: 5)))
    let write = second.requests.begin(0) { port, number throws(RequestRefusal) in
      try port.submit(command, to: PartitionID(.payments, 0), number: number, idempotency: nil, trace: nil)
    }
    #expect(eventually { (try? credit(first)) == 106 })
    #expect(write.wait(seconds: 0.1) == nil)
    cluster.pods.refuse(second.incarnation, false)
    #expect(write.wait() == .outcome(.done, isReplayed: false))
    for pod in [first, second] { pod.stop(handoverMilliseconds: 0) }
  }

  /// Under load a partition has one append under way, and what comes meanwhile travels together.
  @Test func whatComesWhileAnAppendIsUnderWayTravelsTogether() throws {
    let cluster = try TestCluster(partitions: 1)
    let pod = try cluster.pod()
    defer { pod.kill() }
    cluster.deal(to: [pod])
    #expect(pod.waitUntilReady())
    try fill([pod], credit: 100, stock: 3)
    let payments = PartitionID(.payments, 0)
    let count = cluster.broker.turns(of: payments).count
    pod.log.holdConfirmations(true)
    let command = Command.payments(.addFunds(user, Money(unchecked: 1)))
    var pending: [Pending] = []
    for _ in 0..<6 {
      pending.append(
        pod.requests.begin(0) { port, number throws(RequestRefusal) in
          try port.submit(command, to: payments, number: number, idempotency: nil, trace: nil)
        })
      _ = try pod.requests.look(.user(user), lane: 0)
    }
    #expect(eventually { cluster.broker.turns(of: payments).count == count + 1 })
    pod.log.holdConfirmations(false)
    for one in pending { #expect(one.wait() == .outcome(.done, isReplayed: false)) }
    #expect(cluster.broker.turns(of: payments).dropFirst(count).map(\.entries.count) == [1, 5])
  }

  /// A command of another service in the log of this one, by whoever owned the partition last.
  func poison(_ partition: PartitionID, _ cluster: TestCluster) throws -> UInt64 {
    let newest = try #require(cluster.broker.turns(of: partition).last)
    let request = RequestID(incarnation: 1_000, lane: 0, number: 1)
    let command = ClientCommand(request: request, idempotency: nil, trace: nil, command: .orders(.remove(order)))
    let session = StreamSource.session(Session(run: 1_000, lane: 0, number: 1))
    let entry = LoggedInput(origin: .init(source: session, number: 1), body: .command(command))
    let record = TurnRecord(
      owner: newest.owner, number: newest.number + 1, time: newest.time, controls: [], entries: [entry])
    cluster.broker.append(.turn(record), to: partition)
    return record.number
  }

  @Test func whatIsQuarantinedIsLeftOutByTheNextOwner() throws {
    let cluster = try TestCluster(partitions: 1, leaseMilliseconds: 100)
    let first = try cluster.pod()
    cluster.deal(to: [first])
    #expect(first.waitUntilReady())
    try fill([first], credit: 100, stock: 3)
    let payments = PartitionID(.payments, 0)
    first.stop(handoverMilliseconds: 0)
    let number = try poison(payments, cluster)
    cluster.store.quarantine(Int64(number) - 1, of: payments)
    let second = try cluster.pod()
    cluster.deal(to: [second])
    #expect(eventually { second.isStopped(payments) }, "another record was named")
    second.stop(handoverMilliseconds: 0)
    cluster.store.quarantine(Int64(number), of: payments)
    let third = try cluster.pod()
    defer { third.stop(handoverMilliseconds: 0) }
    cluster.deal(to: [third])
    #expect(third.waitUntilReady())
    #expect(try add(5, third) == .outcome(.done, isReplayed: false))
    #expect(try credit(third) == 105)
  }
}
