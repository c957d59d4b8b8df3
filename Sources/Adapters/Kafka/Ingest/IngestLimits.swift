/// The bounds of reading ingest topics.
enum IngestLimits {
  /// Inputs of one partition that its owner was given and that are not durable; the next one stays in the topic.
  static let undurableInputsMax = 4_096
  /// The same in bytes of their values.
  static let undurableBytesMax = 4 << 20
  /// Inputs handed over at once.
  static let batchInputsMax = 512
  /// Kilobytes that librdkafka reads ahead for one partition.
  static let readAheadKilobytesMax = 4_096
  /// How often a reading that an error has ended begins again.
  static let retryMilliseconds: Int64 = 2_000
  /// How often lags are noted.
  static let lagMilliseconds: Int64 = 500
  /// How long the reader sleeps when nothing wakes it.
  static let idleMilliseconds = 100
  /// How long one question to the brokers may take.
  static let questionMilliseconds: Int32 = 5_000
}
