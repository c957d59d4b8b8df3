import Callers
import Foundation
import TestSupport
import Testing

@testable import Server

@Suite struct KeyFileAccessTests {
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/keys" }

  init() throws { folder = try TemporaryFolder() }

  private struct Words: RandomNumberGenerator {
    var words: [UInt64]
    mutating func next() -> UInt64 { words.removeFirst() }
  }

  private func add(_ id: String, scopes: CallerScopes = .admin) throws -> String {
    var generator = SystemRandomNumberGenerator()
    return try KeyFileAccess.add(
      try #require(CallerID(id)), scopes: scopes, rate: .ofSettings, to: path, using: &generator)
  }

  private func mode() throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
  }

  @Test func aNewKeyLetsInAndOnlyItsDigestIsKept() throws {
    let key = try add("web", scopes: [.ordersRead])
    let secret = String(key.dropFirst("web.".count))
    #expect(key.hasPrefix("web.") && secret.count == 43 && CallerGate.secretLengths.contains(secret.count))
    let kept = try KeyFileAccess.keys(path).keys
    #expect(kept.map(\.digest) == [SHA256Digest(of: secret.utf8)] && kept.map(\.scopes) == [.ordersRead])
    #expect(try !String(contentsOfFile: path, encoding: .utf8).contains(secret))
    #expect(try mode() == 0o600)
    let gate = CallerGate(CallerTable(try KeyFileAccess.keys(path), defaultRate: nil))
    let caller = try Array(key.utf8).withUnsafeBufferPointer { try gate.caller(key: $0) }
    #expect(caller.id == "web")
  }

  @Test func everyBitOfASecretCounts() {
    var zeros = Words(words: [0, 0, 0, 0])
    var ones = Words(words: [.max, .max, .max, .max])
    #expect(KeyFileAccess.secret(using: &zeros) == String(repeating: "A", count: 43))
    #expect(KeyFileAccess.secret(using: &ones) == String(repeating: "_", count: 42) + "P")
    let secrets = (0..<256).map { bit in
      var words: [UInt64] = [0, 0, 0, 0]
      words[bit / 64] = 1 << UInt64(bit % 64)
      var generator = Words(words: words)
      return KeyFileAccess.secret(using: &generator)
    }
    #expect(Set(secrets).count == 256)
  }

  @Test func addsAndRevokesOneOnly() throws {
    _ = try add("a")
    _ = try add("b")
    let before = try String(contentsOfFile: path, encoding: .utf8)
    let twice = #expect(throws: KeyFileFailure.self) { try add("a") }
    #expect(twice?.description.contains("key a already exists") == true)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == before)
    try KeyFileAccess.revoke(try #require(CallerID("a")), in: path)
    #expect(try KeyFileAccess.keys(path).keys.map(\.id.description) == ["b"])
    let gone = #expect(throws: KeyFileFailure.self) {
      try KeyFileAccess.revoke(try #require(CallerID("a")), in: path)
    }
    #expect(gone?.description.contains("there is no key a") == true)
    #expect(try mode() == 0o600)
  }

  @Test func addersAtTheSameTimeLoseNothing() throws {
    DispatchQueue.concurrentPerform(iterations: 16) { number in
      #expect(throws: Never.self) { _ = try add("k\(number)") }
    }
    #expect(try KeyFileAccess.keys(path).keys.count == 16)
  }

  @Test(arguments: [(0o600, true), (0o640, true), (0o400, true), (0o604, false), (0o620, false), (0o666, false)])
  func whoMayReadAndWrite(_ mode: Int, _ isTaken: Bool) throws {
    _ = try add("a")
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    if isTaken {
      #expect(try KeyFileAccess.keys(path).keys.count == 1)
    } else {
      let failure = #expect(throws: KeyFileFailure.self) { try KeyFileAccess.keys(path) }
      #expect(failure?.description.contains("chmod 600 \(path)") == true)
    }
  }

  @Test func whatIsNoFileOfKeysIsTold() throws {
    let missing = #expect(throws: KeyFileFailure.self) { try KeyFileAccess.keys(path) }
    #expect(missing?.description == "\(path): No such file or directory")
    let noFile = #expect(throws: KeyFileFailure.self) { try KeyFileAccess.keys(folder.path) }
    #expect(noFile?.description == "\(folder.path): not a file")
    try Data("nonsense".utf8).write(to: URL(filePath: path))
    try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    let wrong = #expect(throws: KeyFileFailure.self) { try add("a") }
    #expect(wrong?.description.hasPrefix("\(path): line 1: ") == true)
    #expect(try String(contentsOfFile: path, encoding: .utf8) == "nonsense")
  }
}
