import Model
import Testing

@Test func partitionsAreNamedAsTopicPartitions() {
  #expect(PartitionID(.orders, 3).description == "orders-3")
}
