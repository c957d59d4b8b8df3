import Ports
import Foundation
import Kafka
import Model
import TestSupport
import Testing

/// Everything that needs a real broker, one after the other: one of the tests kills it.
@Suite(.enabled(if: Broker.isThere, "Tests/KafkaIntegration/run starts its broker"), .serialized) struct BrokerSuite {}

/// The real broker that `Tests/KafkaIntegration/run` started; without it the suites that need one do not run.
enum Broker {
  private static let environment = ProcessInfo.processInfo.environment
  static let isThere = environment["KASSA_TEST_KAFKA"] != nil
  static var address: String { environment["KASSA_TEST_KAFKA"] ?? "" }

  /// Options with topics of their own for one test.
  static func options(partitions: Int = 4, prefix: String = "t\(UInt32.random(in: 0 ... .max)).") throws -> KafkaOptions
  {
    var options = KafkaOptions(brokers: address, partitioner: try #require(Partitioner(count: partitions)))
    options.prefix = prefix
    try options.properties.set("log_level", "0")
    return options
  }

  /// The plan for one broker.
  static func plan(_ options: KafkaOptions) -> TopicPlan {
    var plan = TopicPlan(options)
    plan.replicationFactor = 1
    plan.minInsyncReplicas = 1
    return plan
  }

  static func kill() throws { try server("kill", folder) }
  static func up() throws { try server("up", folder) }
  private static var folder: String { environment["KASSA_TEST_KAFKA_FOLDER"] ?? "" }

  /// One of Kafka's own tools; returns what it wrote.
  @discardableResult
  static func tool(_ arguments: [String], input: String = "") throws -> String {
    try server(["run"] + arguments, input: input)
  }

  /// Removes what the first partition of a topic has before an offset, as retention does.
  static func remove(_ topic: String, before offset: Int) throws {
    let folder = try TemporaryFolder()
    let file = folder.path + "/offsets.json"
    let text = #"{"version":1,"partitions":[{"topic":"\#(topic)","partition":0,"offset":\#(offset)}]}"#
    try text.write(toFile: file, atomically: true, encoding: .utf8)
    try tool([
      "org.apache.kafka.tools.DeleteRecordsCommand", "--bootstrap-server", address, "--offset-json-file", file,
    ])
  }

  private static func server(_ arguments: String...) throws { try server(arguments, input: "") }

  @discardableResult
  private static func server(_ arguments: [String], input: String) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: environment["KASSA_TEST_KAFKA_SERVER"] ?? "")
    process.arguments = arguments
    let (reader, writer) = (Pipe(), Pipe())
    process.standardInput = reader
    process.standardOutput = writer
    process.standardError = FileHandle.nullDevice
    try process.run()
    try reader.fileHandleForWriting.write(contentsOf: Data(input.utf8))
    try reader.fileHandleForWriting.close()
    let said = String(decoding: writer.readAll(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(arguments): \(said)")
    return said
  }
}
