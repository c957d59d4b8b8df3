import HTTPServer
import Model
import Runtime
import Testing

@testable import RestAPI

/// `batch_init`: many commands, one answer.
@Suite struct BatchTests {
  /// Every number is covered exactly once at every partition that could own it.
  @Test(arguments: [Int64(0), 1, 31, 8_191, 8_192, 8_193, 100_000]) func coversEveryNumber(count: Int64) throws {
    let bench = Bench()
    let (exchange, atOnce) = bench.send("POST /payment/batch_init/\(count)/5")
    var seen: [UInt16: [Range<Int64>]] = [:]
    var parts = 0
    while !bench.port.submissions.isEmpty {
      // A partition has one command of it at a time, and not a long one: others want their turn.
      let limits = RestLimits()
      #expect(bench.port.submissions.count <= min(limits.batchCommandsInFlightMax, bench.port.partitioner.count))
      let spanMax = min(BatchLimits.numbersMax, limits.batchCommandEntities * Int64(bench.port.partitioner.count))
      for submission in bench.port.submissions {
        guard case .payments(.batchInit(let batch)) = submission.command else {
          Issue.record("another command")
          return
        }
        #expect(batch.credit.value == 5 && batch.numbers.count <= spanMax)
        seen[submission.partition.index, default: []].append(batch.numbers)
      }
      parts += 2 * bench.port.submissions.count
      bench.complete(.outcome(.changed(2), isReplayed: false))
    }
    #expect((atOnce ?? bench.answers[exchange])?.text == "{\"done\":true,\"changed\":\(parts)}")
    for number in stride(from: Int64(0), to: count, by: 97) {
      let owner = bench.port.partitioner.index(of: String(number))
      #expect(seen[owner]?.count(where: { $0.contains(number) }) == 1)
    }
    for ranges in seen.values { #expect(ranges.last?.upperBound == count) }
    #expect(bench.api.waitingCount == 0)
  }

  @Test func ordersShareASeed() {
    let bench = Bench()
    _ = bench.send("POST /orders/batch_init/20000/10/20/30")
    var seeds: Set<UInt64> = []
    for submission in bench.port.submissions {
      guard case .orders(.batchInit(let batch)) = submission.command else { continue }
      #expect(batch.itemCount == 10 && batch.userCount == 20 && batch.itemPrice.value == 30)
      seeds.insert(batch.seed)
    }
    #expect(seeds.count == 1)
  }

  @Test func waitsWhilePartitionsAreFull() {
    let bench = Bench()
    bench.port.refusals = [nil, .overloaded, .overloaded]
    let exchange = bench.send("POST /stock/batch_init/100/1/1").exchange
    #expect(bench.port.submissions.count == 1)
    bench.wait(milliseconds: 100)
    #expect(bench.port.submissions.count == 1)
    bench.wait(milliseconds: 100)
    #expect(bench.port.submissions.count == 8)
    #expect(Set(bench.port.submissions.map(\.partition)).count == 8)
    bench.complete(.outcome(.done, isReplayed: false))
    #expect(bench.answers[exchange]?.status == 200)
    #expect(bench.prices.clearings == 1)
  }

  /// A command that comes back from a full partition is submitted again, under the same key, and nothing else is.
  @Test func triesAgainWhatCameBack() {
    let bench = Bench()
    let exchange = bench.send("POST /stock/batch_init/100/1/1", [("Idempotency-Key", "k")]).exchange
    let submissions = bench.port.submissions
    bench.port.submissions = []
    for (place, submission) in submissions.enumerated() {
      let isFull = place == 2 || place == 5
      bench.api.finished(
        submission.number, isFull ? .refused(.overloaded) : .outcome(.done, isReplayed: false))
    }
    #expect(bench.answers.isEmpty)
    bench.wait(milliseconds: 100)
    #expect(Set(bench.port.submissions.map(\.partition)) == [submissions[2].partition, submissions[5].partition])
    #expect(bench.port.submissions.allSatisfy { $0.token?.key.text == "k" })
    bench.complete(.outcome(.done, isReplayed: false))
    #expect(bench.answers[exchange]?.status == 200 && bench.api.waitingCount == 0)
  }

  /// Every five seconds, from the fifth on, and once at its end; a short one says nothing.
  @Test func aLongOneTellsHowFarItIs() {
    let bench = Bench()
    var told: [BatchProgress] = []
    bench.api.onBatchProgress = { told.append($0) }
    _ = bench.send("POST /payment/batch_init/100/5")
    bench.complete(.outcome(.changed(1), isReplayed: false))
    #expect(told.isEmpty && bench.api.waitingCount == 0)

    let exchange = bench.send("POST /payment/batch_init/100000/5").exchange
    bench.wait(milliseconds: 4_999)
    #expect(told.isEmpty)
    bench.wait(milliseconds: 1)
    #expect(told.map(\.entities) == [0] && told.map(\.milliseconds) == [5_000])
    bench.complete(.outcome(.changed(1), isReplayed: false))
    bench.wait(milliseconds: 4_000)
    #expect(told.count == 1)
    bench.wait(milliseconds: 1_000)
    #expect(told.count == 2 && told[1].entities > 0 && told[1].entities < 100_000)
    #expect(told.allSatisfy { $0.entitiesInAll == 100_000 && $0.service == .payments && !$0.isOver })
    while bench.answers[exchange] == nil { bench.complete(.outcome(.changed(1), isReplayed: false)) }
    #expect(told.count == 3 && told[2].isOver && told[2].entities == 100_000 && told[2].milliseconds == 10_000)
  }

  @Test func theFirstRefusalWins() {
    let bench = Bench()
    let exchange = bench.send("POST /stock/batch_init/100000/1/1").exchange
    let submissions = bench.port.submissions
    bench.port.submissions = []
    bench.api.finished(submissions[0].number, .outcome(.refused(.amountOutOfRange(id: "7")), isReplayed: false))
    bench.api.finished(submissions[1].number, .refused(.stopping))
    #expect(bench.port.submissions.isEmpty && bench.answers.isEmpty)
    for submission in submissions[2...] {
      bench.api.finished(submission.number, .outcome(.done, isReplayed: false))
    }
    #expect(bench.answers[exchange]?.text.contains("sum_out_of_range") == true)
    #expect(bench.prices.clearings == 1)
  }

  @Test func refusedFromTheStart() {
    let bench = Bench()
    bench.port.refusals = [.stopping]
    let answer = bench.now("POST /stock/batch_init/100/1/1")
    #expect(answer.status == 503 && answer.text.contains("stopping"))
    #expect(bench.api.waitingCount == 0)
  }

  @Test func itsOwnDeadline() {
    let bench = Bench()
    let exchange = bench.send("POST /payment/batch_init/10/1").exchange
    bench.wait(milliseconds: 119_999)
    #expect(bench.answers.isEmpty)
    bench.wait(milliseconds: 1)
    #expect(bench.answers[exchange]?.text.contains("outcome_unknown") == true)
    bench.complete(.outcome(.done, isReplayed: false))

    bench.port.refusals = Array(repeating: .overloaded, count: 1_000)
    let full = bench.send("POST /payment/batch_init/10/1").exchange
    bench.wait(milliseconds: 120_000)
    #expect(bench.answers[full]?.text.contains("overloaded") == true)
    #expect(bench.api.waitingCount == 0)
  }

  @Test func boundedAndForgotten() {
    let bench = Bench()
    let running = (0..<4).map { _ in bench.send("POST /stock/batch_init/10/1/1").exchange }
    #expect(bench.now("POST /stock/batch_init/10/1/1").status == 503)
    bench.api.abandoned(ExchangeID(number: running[0]))
    #expect(bench.send("POST /stock/batch_init/10/1/1").response == nil)
    bench.complete(.outcome(.done, isReplayed: false))
    #expect(bench.answers[running[0]] == nil && bench.answers.count == 4)
  }

  /// A partition keeps one outcome a key, so the commands of one partition must not share theirs.
  @Test func underAKeyEachCommandOfAPartitionHasItsOwn() {
    let bench = Bench()
    let exchange = bench.send("POST /stock/batch_init/20000/1/1", [("Idempotency-Key", "k")]).exchange
    var submissions: [FakePort.Submission] = []
    while !bench.port.submissions.isEmpty {
      submissions += bench.port.submissions
      bench.complete(.outcome(.done, isReplayed: true))
    }
    #expect(submissions.count == 40)
    #expect(submissions[..<8].allSatisfy { $0.token?.key.text == "k" })
    let keys = Set(submissions.map { "\($0.partition) \($0.token?.key.text ?? "")" })
    #expect(keys.count == 40)
    #expect(submissions.allSatisfy { IdempotencyKey(validating: $0.token?.key.text ?? "") != nil })
    #expect(bench.answers[exchange]?.header("Idempotent-Replayed") == "true")
    // A small one goes to all partitions too, so that each remembers the key.
    _ = bench.send("POST /stock/batch_init/1/1/1", [("Idempotency-Key", "k2")])
    #expect(bench.port.submissions.count == 8)
  }
}
