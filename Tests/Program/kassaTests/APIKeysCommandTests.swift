import Server
import Callers
import Foundation
import Settings
import TestSupport
import Testing

@testable import kassa

@Suite struct APIKeysCommandTests {
  private let recorder = Recorder()
  private let folder: TemporaryFolder
  private var path: String { folder.path + "/keys" }

  init() throws { folder = try TemporaryFolder() }

  private func run(_ arguments: [String], _ environment: [String: String] = [:]) -> ExitCode {
    Program(
      console: recorder.console(),
      environment: ProcessEnvironment(variables: environment, readFile: ProcessEnvironment.process.readFile)
    ).run(["api-keys"] + arguments)
  }

  @Test func addsShowsOnceListsAndRevokes() throws {
    #expect(run(["add", "web", "--scopes", "orders,admin", "--rate", "5/9", "--file", path]) == .success)
    let key = recorder.out.split(separator: "\n").joined()
    let gate = CallerGate(CallerTable(try KeyFileAccess.keys(path), defaultRate: nil))
    let caller = try Array(key.utf8).withUnsafeBufferPointer { try gate.caller(key: $0) }
    #expect(caller.scopes == [.ordersRead, .ordersWrite, .admin] && caller.rate == CallerRate(perSecond: 5, burst: 9))
    #expect(run(["list"], ["KASSA_API_KEYS": path]) == .success)
    #expect(recorder.out.hasSuffix("web  5/9  orders:read,orders:write,admin\n"))
    #expect(run(["revoke", "web", "--file", path]) == .success)
    #expect(try KeyFileAccess.keys(path).keys.isEmpty)
    #expect(run(["revoke", "web", "--file", path]) == .failure && recorder.err.contains("there is no key web"))
  }

  @Test(arguments: [
    ([], "expected add, revoke or list"), (["make"], "expected add, revoke or list"),
    (["add"], "an argument is missing"), (["add", "web"], "--scopes is missing: one or more of orders:read"),
    (["add", "web", "--scopes", "all"], "--scopes cannot be 'all'"),
    (["add", "web", "--scopes", "admin", "--rate", "0"], "--rate cannot be '0'"),
    (["add", "a.b", "--scopes", "admin"], "'a.b' is not a key's id"), (["revoke", "a.b"], "'a.b' is not a key's id"),
    (["list", "web"], "'web' is unexpected"),
  ])
  func refusals(_ arguments: [String], _ reason: String) {
    #expect(run(arguments + ["--file", path]) == .usage && recorder.err.contains(reason), "\(recorder.err)")
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func toolsTakeTheFlagOfASwitch() {
    let (flags, rest) = Arguments.divide(
      settings: ["--no-authentication", "order", "--data", "x", "o1", "--no-authentication", "yes"])
    #expect(flags == ["--no-authentication", "--data", "x", "--no-authentication", "yes"] && rest == ["order", "o1"])
  }
}
