import Model
import TestSupport
import Testing

@testable import Postgres

/// How the server finds rows, in a database that has just been made: the plans are kept when it has grown.
@Suite struct PlanTests {
  @Test(arguments: [
    ("load", "1, 1, '{2}', '{a}', 1"), ("one", "1, '{2}', '{a}'"), ("ofKind", "1, 3, '', 10"),
    ("orders", "1, 1, 1, '', 10, 1"), ("header", "1"),
    ("upsert", "1, 1, 1, 1, '{2}', '{a}', '{NULL}', '{b}'"), ("delete", "1, 1, 1, '{2}', '{a}'"),
    ("deleteExpired", "1, 1, 1, 6, 5, 10"), ("fence", "1, 1, 1, 2, 3"), ("settle", "1, 1, 1, 2, 1"),
    ("writeHeader", "1, 1, 1, ''"), ("every", "1, 2, '', 10"),
    ("deleteMessages", "1, 1, 1, '{2}', '{3}', '{4}'"), ("insertMessages", "1, 1, 1, '{2}', '{3}', '{b}'"),
    ("deleteReplies", "1, 1, 1, '{2}'"), ("insertReplies", "1, 1, 1, '{2}', '{b}'"), ("messages", "1, 2, 3, 10"),
    ("replies", "1, 2, 10"),
  ])
  func findsRowsByTheirKeys(_ name: String, _ parameters: String) throws {
    let fixture = try Fixture()
    try check(name, parameters, in: fixture)
    // A table that is known to be empty has other plans than one of which nothing is known.
    try fixture.sql("VACUUM ANALYZE")
    try check(name, parameters, in: fixture)
  }

  private func check(_ name: String, _ parameters: String, in fixture: Fixture) throws {
    let connection = try Session.open(
      ConnectionString(fixture.connection), .stock, PostgresIdentity(cluster: "test", partitionCount: 4),
      PostgresOptions())
    var lines: [String] = []
    try connection.perform(
      send: { connection throws(PostgresFailure) in
        try connection.send(text: "EXPLAIN EXECUTE \"\(name)\"(\(parameters))")
      }, each: { _, rows in lines = (0..<rows.count).map { rows.text($0, 0) ?? "" } })
    let plan = lines.joined(separator: "\n")
    #expect(plan.contains("Index") || name.hasPrefix("insert"), "\(plan)")
    #expect(!plan.contains("Seq Scan"), "\(plan)")
    // A row that is compared with every other row, or read again for each.
    #expect(!plan.contains("Materialize"), "\(plan)")
    for (place, line) in lines.enumerated()
    where line.contains(" on entities") || line.contains(" on outbox")
      || line.contains(" on replies")
    {
      guard line.contains("Index Scan"), place + 1 < lines.count else { continue }
      #expect(lines[place + 1].contains(" AND "), "not by the whole key: \(plan)")
    }
    for (place, line) in lines.enumerated() where line.contains("Join Filter") {
      #expect(line.contains("c.epoch"), "\(lines[place]) in \(plan)")
    }
  }
}
