import Foundation
import TestSupport
import Testing

@testable import Peers

/// A pod whose process is stopped, as a debugger, a full node or a paused container does it, and goes on.
@Suite(.serialized) struct StoppedProcessTests {
  static let framesOfEachRound = 1_000
  static let rounds = 3

  /// 5 s are more than twice the silence after which both sides hang up.
  @Test(arguments: [false, true])
  func continuesWhereItWas(isEncrypted: Bool) async throws {
    let folder = try TemporaryFolder()
    let path = folder.path
    _ = try CertificateMaker.write(to: "\(path)/pki", days: 1)
    let a = try Pod("a", certificates: isEncrypted ? Other.certificates(path) : nil)
    defer { a.end() }
    let port = a.mesh.port
    async let driven: Void = Self.drive(a, path)
    await #expect(processExitsWith: .success) {
      [path = path as String, port = port as UInt16, isEncrypted = isEncrypted as Bool] in
      try Other.run(path, port, isEncrypted: isEncrypted)
    }
    try await driven
  }

  /// Sends before, while and after the other process is stopped.
  private static func drive(_ a: Pod, _ path: String) throws {
    let other = try #require(Other.told(path), "the other process did not start")
    try a.mesh.follow([PeerAddress(name: "b", host: "127.0.0.1", port: other.port)])
    #expect(a.isConnected(to: "b"))
    let total = framesOfEachRound * rounds
    for number in 0..<framesOfEachRound { #expect(a.send(number, to: "b") == .accepted) }
    #expect(eventually { a.count == framesOfEachRound }, "nothing came back before")
    #expect(kill(other.pid, SIGSTOP) == 0)
    #expect(eventually { Other.isStopped(other.pid) })
    let stopped = ContinuousClock.now
    for number in framesOfEachRound..<framesOfEachRound * 2 { #expect(a.send(number, to: "b") == .accepted) }
    #expect(eventually { a.state(of: "b") == .silent })
    #expect(eventually { ContinuousClock.now - stopped >= .seconds(5) })
    #expect(a.count == framesOfEachRound, "a stopped process answers nothing")
    #expect(kill(other.pid, SIGCONT) == 0)
    for number in framesOfEachRound * 2..<total { #expect(a.send(number, to: "b") == .accepted) }
    #expect(eventually { a.count >= total }, "\(a.count) of \(total)")
    #expect(a.isConnected(to: "b"))
    #expect(a.frames == (0..<total).map(Pod.bytes), "once and in order, there and back")
    #expect(a[.rubbishLinks] == 0 && a[.reconnects] >= 1)
    #expect(Other.told(path)?.pid == other.pid && kill(other.pid, 0) == 0, "the same process")
    try Data().write(to: URL(fileURLWithPath: "\(path)/over"))
  }

  /// The process that is stopped: sends back what comes.
  enum Other {
    static func certificates(_ path: String) -> PeerCertificates {
      PeerCertificates(
        certificate: "\(path)/pki/pod.pem", key: "\(path)/pki/pod.key", authorities: "\(path)/pki/authorities.pem")
    }

    /// Its number and port, once it has told them.
    static func told(_ path: String) -> (pid: pid_t, port: UInt16)? {
      var words: [Substring] = []
      _ = eventually {
        let text = (try? String(contentsOfFile: "\(path)/other", encoding: .utf8)) ?? ""
        words = text.split(separator: " ")
        return words.count == 2
      }
      guard words.count == 2, let pid = pid_t(words[0]), let port = UInt16(words[1]) else { return nil }
      return (pid, port)
    }

    /// Whether each of its threads stands still: a signal takes its time to reach those that run.
    static func isStopped(_ pid: pid_t) -> Bool {
      let tasks = "/proc/\(pid)/task"
      let threads = (try? FileManager.default.contentsOfDirectory(atPath: tasks)) ?? []
      return !threads.isEmpty
        && threads.allSatisfy { thread in
          let text = (try? String(contentsOfFile: "\(tasks)/\(thread)/stat", encoding: .utf8)) ?? ""
          return text.split(separator: ")").last?.split(separator: " ").first == "T"
        }
    }

    static func run(_ path: String, _ port: UInt16, isEncrypted: Bool) throws {
      let b = try Pod("b", certificates: isEncrypted ? certificates(path) : nil)
      try b.mesh.follow([PeerAddress(name: "a", host: "127.0.0.1", port: port)])
      try Data("\(getpid()) \(b.mesh.port)".utf8).write(to: URL(fileURLWithPath: "\(path)/other"), options: .atomic)
      let total = framesOfEachRound * rounds
      var answered = 0
      // Longer than the other process may take for each of its steps.
      let isDone = (0..<5).contains { _ in
        eventually {
          for frame in b.frames.dropFirst(answered) {
            guard b.mesh.send(frame, kind: 2, to: "a") == .accepted else { break }
            answered += 1
          }
          return answered >= total && FileManager.default.fileExists(atPath: "\(path)/over")
        }
      }
      let isRight = b.frames == (0..<total).map(Pod.bytes) && b[.rubbishLinks] == 0
      b.end()
      exit(isDone && isRight ? EXIT_SUCCESS : EXIT_FAILURE)
    }
  }
}
