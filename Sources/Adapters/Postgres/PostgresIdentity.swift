/// Which Kassa the database must belong to.
public struct PostgresIdentity: Hashable, Sendable {
  /// The cluster's name; a database created for another one is refused.
  public var cluster: String
  /// The service's partitions, 1 ..< 4097; a database created with another count is refused.
  public var partitionCount: Int

  public init(cluster: String, partitionCount: Int) {
    self.cluster = cluster
    self.partitionCount = partitionCount
  }
}
