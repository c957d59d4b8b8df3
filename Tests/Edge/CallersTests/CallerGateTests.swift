import Testing

@testable import Callers

@Suite struct CallerGateTests {
  private static let secret = "0123456789abcdef0123456789ABCDEF-_~+/=x"

  private static func table(
    _ lines: String..., continuing older: CallerTable? = nil, rate: CallerRate? = nil
  ) throws -> CallerTable {
    CallerTable(try KeyFile(lines.joined(separator: "\n")), defaultRate: rate, continuing: older)
  }

  private static var digest: SHA256Digest { SHA256Digest(of: secret.utf8) }

  private func told(_ gate: CallerGate, _ value: String, isKey: Bool = false) -> String {
    Array(value.utf8).withUnsafeBufferPointer { bytes in
      do throws(CallerGate.Refusal) {
        return try (isKey ? gate.caller(key: bytes) : gate.caller(authorization: bytes)).id.description
      } catch {
        return "\(error)"
      }
    }
  }

  @Test(arguments: [
    ("Bearer web.S", "web"), ("bearer web.S", "web"), ("BEARER   web.S  ", "web"), ("Bearer web.Sx", "unknown"),
    ("Bearer other.S", "unknown"), ("Bearer we.S", "unknown"), ("Bearer web", "malformed"), ("", "malformed"),
    ("Bearer ", "malformed"), ("Bearer web.", "malformed"), ("Bearer web.short", "malformed"),
    ("Basic web.S", "malformed"), ("web.S", "malformed"), ("Bearer web.S more", "malformed"),
    ("Bearer .S", "malformed"), ("Bearer web.S.S", "malformed"), ("Bearer w b.S", "malformed"),
  ])
  func whoPresentsWhat(_ value: String, _ expected: String) throws {
    let gate = CallerGate(try Self.table("web \(Self.digest) orders"))
    let value = value.replacing("S", with: Self.secret)
    #expect(told(gate, value) == expected)
    // What was proved once does not let others in.
    _ = told(gate, "Bearer web.\(Self.secret)")
    #expect(told(gate, value) == expected)
  }

  @Test func secretsHaveTheirBounds() throws {
    for (length, expected) in [(15, "malformed"), (16, "unknown"), (128, "unknown"), (129, "malformed")] {
      let gate = CallerGate(try Self.table("web \(Self.digest) orders"))
      #expect(told(gate, "web." + String(repeating: "a", count: length), isKey: true) == expected)
    }
  }

  @Test func aRevokedKeyIsUnknownAlthoughItWasProved() throws {
    let gate = CallerGate(try Self.table("web \(Self.digest) orders"))
    let value = "Bearer web.\(Self.secret)"
    #expect(told(gate, value) == "web")
    gate.replace(try Self.table("web \(SHA256Digest(of: "another".utf8)) orders"))
    #expect(told(gate, value) == "unknown")
    gate.replace(try Self.table())
    #expect(told(gate, value) == "unknown")
  }

  @Test func aTableReadAgainFillsNoBucket() throws {
    let rate = CallerRate(perSecond: 1, burst: 2)
    let first = try Self.table("web \(Self.digest) orders", rate: rate)
    let web = try #require(first.callers.values.first)
    #expect(web.take(at: 0) == .allowed(left: 1) && web.take(at: 0) == .allowed(left: 0))
    let second = try Self.table("web \(Self.digest) stock", "new \(Self.digest) stock", continuing: first, rate: rate)
    let (old, id) = (try #require(CallerID("web")), try #require(CallerID("new")))
    #expect(second.callers[old]?.take(at: 0) == .refused(wait: 1_000_000_000))
    #expect(second.callers[id]?.take(at: 0) == .allowed(left: 1))
  }

  @Test func ratesOfTheFileWinOverTheDefault() throws {
    let table = try Self.table(
      "a \(Self.digest) stock", "b \(Self.digest) stock unlimited", "c \(Self.digest) stock 7/9",
      rate: CallerRate(perSecond: 3))
    let rates = Dictionary(uniqueKeysWithValues: table.callers.values.map { ($0.id, $0.rate) })
    #expect(rates == ["a": CallerRate(perSecond: 3), "b": nil, "c": CallerRate(perSecond: 7, burst: 9)])
  }

  /// Lanes take from one bucket at the same time: together they get no more than it has.
  @Test func lanesShareABucket() async throws {
    let table = try Self.table("web \(Self.digest) stock 1/5000")
    let web = try #require(table.callers.values.first)
    let allowed = await withTaskGroup(of: Int.self) { group in
      for _ in 0..<4 {
        group.addTask {
          (0..<2_000).count { _ in
            if case .allowed = web.take(at: 0) { true } else { false }
          }
        }
      }
      return await group.reduce(0, +)
    }
    #expect(allowed == 5_000)
  }
}
