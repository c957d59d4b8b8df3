import Model
import TestSupport
import Testing

@testable import PostgresStore

/// How the server finds rows, in a database that has just been made: the plans are kept when it has grown.
@Suite struct PlanTests {
  @Test(arguments: [
    ("load", "1, 1, '{2}', '{a}', 1"), ("one", "1, '{2}', '{a}'"), ("ofKind", "1, 3, '', 10"), ("header", "1"),
    ("upsert", "1, 1, 1, 1, '{2}', '{a}', '{NULL}', '{b}'"), ("delete", "1, 1, 1, '{2}', '{a}'"),
    ("deleteExpired", "1, 1, 1, 6, 5, 10"), ("fence", "1, 1, 1, 2, 3, ''"), ("settle", "1, 1, 1, 2, 1"),
    ("deleteMessages", "1, 1, 1, '{2}', '{3}', '{4}'"), ("insertMessages", "1, 1, 1, '{2}', '{3}', '{b}'"),
    ("deleteReplies", "1, 1, 1, '{2}'"), ("insertReplies", "1, 1, 1, '{2}', '{b}'"), ("messages", "1, 2, 3, 10"),
    ("replies", "1, 2, 10"),
  ])
  func findsRowsByTheirKeys(_ name: String, _ parameters: String) throws {
    let fixture = try Fixture()
    let connection = try Session.open(
      ConnectionString(fixture.connection), .stock, PostgresIdentity(cluster: "test", partitionCount: 4),
      PostgresOptions())
    var plan = ""
    try connection.perform(
      send: { connection throws(PostgresFailure) in
        try connection.send(text: "EXPLAIN EXECUTE \"\(name)\"(\(parameters))")
      },
      each: { _, rows in plan = (0..<rows.count).map { rows.text($0, 0) ?? "" }.joined(separator: "\n") })
    #expect(plan.contains("Index") || name == "upsert" || name.hasPrefix("insert"), "\(plan)")
    #expect(!plan.contains("Seq Scan"), "\(plan)")
  }
}
