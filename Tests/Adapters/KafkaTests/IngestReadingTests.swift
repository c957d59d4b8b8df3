import Streams
import Testing

@testable import Kafka

/// How far an owner may be ahead of what is durable of its ingest log.
@Suite struct IngestReadingTests {
  private let owner = OwnerID(epoch: 1, run: 1)

  @Test func everyOffsetIsTakenOnceAndGapsAreNothing() {
    var reading = IngestReading(owner: owner, after: 5)
    #expect(reading.nextOffset == 5)
    #expect(reading.take(4, bytes: 1) == nil && reading.take(.max, bytes: 1) == nil)
    #expect(reading.take(5, bytes: 1) == 6 && reading.take(9, bytes: 1) == 10 && reading.take(9, bytes: 1) == nil)
    #expect(reading.nextOffset == 10 && reading.durable == 5)
  }

  @Test func whatIsNotDurableIsBoundedInNumber() {
    var reading = IngestReading(owner: owner, after: 0)
    for offset in 0..<Int64(IngestLimits.undurableInputsMax) { _ = reading.take(offset, bytes: 10) }
    #expect(reading.room == 0)
    reading.durable(through: 100)
    #expect(reading.room == 100)
    reading.durable(through: 50)
    #expect(reading.durable == 100, "never backwards")
    reading.durable(through: UInt64(IngestLimits.undurableInputsMax))
    #expect(reading.room == IngestLimits.batchInputsMax)
  }

  @Test func andInBytes() {
    var reading = IngestReading(owner: owner, after: 0)
    _ = reading.take(0, bytes: IngestLimits.undurableBytesMax)
    #expect(reading.room == 0)
    reading.durable(through: 1)
    #expect(reading.room == IngestLimits.batchInputsMax)
  }

  @Test func whatIsLostIsCounted() {
    let reading = IngestReading(owner: owner, after: 7)
    #expect(reading.lost(before: 7) == 0 && reading.lost(before: 0) == 0 && reading.lost(before: 10) == 3)
  }
}
