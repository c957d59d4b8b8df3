import Foundation
import Lanes
import TestSupport
import Testing

@testable import Peers

/// Pods with certificates, good and bad.
@Suite struct TLSTests {
  private let folder: TemporaryFolder
  private let good: PeerCertificates

  init() throws {
    folder = try TemporaryFolder()
    good = try Self.certificates("\(folder.path)/good")
  }

  private static func certificates(
    _ folder: String, authority: String? = nil, days: Int = 1, from now: Int = time(nil)
  ) throws -> PeerCertificates {
    _ = try CertificateMaker.write(to: folder, authority: authority, days: days, from: now)
    return PeerCertificates(
      certificate: "\(folder)/pod.pem", key: "\(folder)/pod.key", authorities: "\(folder)/authorities.pem")
  }

  @Test func framesGoBothWays() throws {
    let other = try Self.certificates("\(folder.path)/other", authority: "\(folder.path)/good")
    let (a, b) = (try Pod("a", certificates: good), try Pod("b", certificates: other))
    defer { for pod in [a, b] { pod.end() } }
    try a.mesh.follow([b.address])
    try b.mesh.follow([a.address])
    #expect(a.isConnected(to: "b") && b.isConnected(to: "a"))
    let large = [UInt8](repeating: 9, count: 1 << 20)
    for round in 0..<5 {
      for number in 0..<1_000 { #expect(a.send(round * 1_000 + number, to: "b") == .accepted) }
      #expect(b.mesh.send(large, kind: 1, to: "a") == .accepted)
    }
    #expect(eventually { b.count == 5_000 && a.count == 5 })
    #expect(b.frames == (0..<5_000).map(Pod.bytes) && a.frames.allSatisfy { $0 == large })
    #expect(b[.refusedCertificates] + b[.failedHandshakes] + a[.rubbishLinks] + b[.rubbishLinks] == 0)
  }

  @Test func cutConnectionsLoseNothing() throws {
    let (a, b) = (try Pod("a", certificates: good), try Pod("b", certificates: good))
    let proxy = Proxy(to: b.mesh.port)
    defer {
      for pod in [a, b] { pod.end() }
      proxy.end()
    }
    try a.mesh.follow([PeerAddress(name: "b", host: "127.0.0.1", port: proxy.port)])
    #expect(a.isConnected(to: "b"))
    for round in 0..<5 {
      for number in 0..<500 { #expect(a.send(round * 500 + number, to: "b") == .accepted) }
      #expect(eventually { b.count >= round * 500 })
      proxy.cut()
      #expect(eventually { a[.reconnects] >= UInt64(round + 1) })
    }
    #expect(eventually { b.count == 2_500 })
    #expect(b.frames == (0..<2_500).map(Pod.bytes) && b[.duplicateFrames] == 0)
  }

  /// Whichever side has the bad one, and whichever side dials.
  @Test(arguments: ["another authority", "ended", "not begun"])
  func badCertificatesAreRefused(what: String) throws {
    let bad =
      switch what {
      case "another authority": try Self.certificates("\(folder.path)/bad")
      case "ended":
        try Self.certificates("\(folder.path)/bad", authority: "\(folder.path)/good", from: time(nil) - 3 * 86_400)
      default:
        try Self.certificates("\(folder.path)/bad", authority: "\(folder.path)/good", from: time(nil) + 86_400)
      }
    let b = try Pod("b", certificates: good)
    let (stranger, friend) = (try Pod("a", certificates: bad), try Pod("e", certificates: good))
    defer { for pod in [b, stranger, friend] { pod.end() } }
    try stranger.mesh.follow([b.address])
    #expect(eventually { stranger[.refusedCertificates] + b[.refusedCertificates] >= 1 })
    try friend.mesh.follow([stranger.address, b.address])
    #expect(friend.isConnected(to: "b"))
    #expect(eventually { friend[.refusedCertificates] + stranger[.refusedCertificates] >= 1 })
    #expect(stranger.state(of: "b") == .connecting && friend.state(of: "a") == .connecting)
    #expect(b[.welcomes] == 1 && stranger[.welcomes] == 0)
  }

  @Test func plainAndEncryptedDoNotMix() throws {
    let (plain, b) = (try Pod("a"), try Pod("b", certificates: good))
    defer { for pod in [plain, b] { pod.end() } }
    try plain.mesh.follow([b.address])
    try b.mesh.follow([plain.address])
    #expect(eventually { b[.failedHandshakes] >= 1 && plain[.rubbishLinks] + plain[.failedHandshakes] >= 1 })
    #expect(plain.state(of: "b") == .connecting && b.state(of: "a") == .connecting)
    #expect(b[.welcomes] + plain[.welcomes] == 0)
  }

  @Test func rubbishOnATLSPort() throws {
    let (b, friend) = (try Pod("b", certificates: good), try Pod("friend", certificates: good))
    defer { for pod in [b, friend] { pod.end() } }
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(seed: seed)
    for round in 0..<100 {
      let link = RawLink(b.mesh.port)
      let count = Int.random(in: 0...2_000, using: &generator)
      var bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
      // As if a handshake of TLS came, in every second round.
      if round % 2 == 0 { bytes = [0x16, 3, 1, UInt8(count >> 8), UInt8(count & 0xff), 1] + bytes }
      link.send(bytes)
      shutdown(link.descriptor, Int32(SHUT_WR))
      #expect(link.isEndedEventually, "seed \(seed)")
    }
    #expect(eventually { b[.failedHandshakes] == 100 }, "seed \(seed)")
    try friend.mesh.follow([b.address])
    #expect(friend.isConnected(to: "b"))
  }

  /// As cert-manager renews: the files change, and connections that are made from then on use the new ones.
  @Test func renewedFilesAreRead() throws {
    let used = "\(folder.path)/used"
    _ = try CertificateMaker.write(to: used, days: 1)
    let files = PeerCertificates(
      certificate: "\(used)/pod.pem", key: "\(used)/pod.key", authorities: "\(used)/authorities.pem")
    let b = try Pod("b", certificates: good)
    let a = try Pod("a", certificates: files) { $0.certificateLookMilliseconds = 1 }
    defer { for pod in [a, b] { pod.end() } }
    try a.mesh.follow([b.address])
    #expect(eventually { a[.refusedCertificates] + b[.refusedCertificates] >= 1 })
    for name in ["pod.pem", "pod.key", "authorities.pem"] {
      // Halves of two pairs in between.
      try FileManager.default.removeItem(atPath: "\(used)/\(name)")
      try FileManager.default.copyItem(atPath: "\(folder.path)/good/\(name)", toPath: "\(used)/\(name)")
    }
    #expect(a.isConnected(to: "b"))
  }

  /// Reported once for each change, though no connection is made in the meantime, and the good ones stay in use.
  @Test func filesThatBecomeUnusableAreReported() throws {
    let reports = Guarded<[String]>([])
    let files = try Self.certificates("\(folder.path)/used", authority: "\(folder.path)/good")
    let a = try Pod("a", certificates: files) {
      $0.certificateLookMilliseconds = 1
      $0.tickMilliseconds = 10
    } onFailedReload: { text in
      reports.withLock { $0.append(text) }
    }
    let b = try Pod("b", certificates: good)
    defer { for pod in [a, b] { pod.end() } }
    try FileManager.default.removeItem(atPath: files.keyPath)
    #expect(eventually { a[.failedReloads] == 1 })
    try Data("no key".utf8).write(to: URL(fileURLWithPath: files.keyPath))
    chmod(files.keyPath, 0o600)
    #expect(eventually { a[.failedReloads] == 2 })
    try a.mesh.follow([b.address])
    #expect(a.isConnected(to: "b"), "with the former ones")
    #expect(a[.failedReloads] == 2, "once for each change")
    let texts = reports.withLock { $0 }
    #expect(texts.count == 2 && texts[0].hasPrefix("\(files.keyPath): No such file"), "\(texts)")
    #expect(texts.last?.contains("do not match") == true, "\(texts)")
    try FileManager.default.removeItem(atPath: files.keyPath)
    try FileManager.default.removeItem(atPath: files.certificatePath)
    for (from, to) in [(good.certificatePath, files.certificatePath), (good.keyPath, files.keyPath)] {
      try FileManager.default.copyItem(atPath: from, toPath: to)
    }
    let (before, dials) = (a[.failedReloads], a[.reconnects])
    try a.mesh.follow([])
    try a.mesh.follow([b.address])
    #expect(a.isConnected(to: "b") && a[.failedReloads] <= before + 1 && a[.reconnects] == dials)
  }

  @Test(arguments: [0o644, 0o604, 0o620, 0o602, 0o601] as [mode_t])
  func keysThatOthersReadAreRefused(_ mode: mode_t) throws {
    chmod(good.keyPath, mode)
    #expect(throws: PeerFailure.self) { try good.check() }
    for mode in [0o600, 0o400, 0o440] as [mode_t] {
      chmod(good.keyPath, mode)
      #expect(throws: Never.self) { try good.check() }
    }
  }

  @Test func unusableFilesAreNamed() throws {
    let other = try Self.certificates("\(folder.path)/other")
    let none = "\(folder.path)/none"
    let rows: [(PeerCertificates, String)] = [
      (.init(certificate: none, key: good.keyPath, authorities: good.authoritiesPath), "\(none): No such file"),
      (.init(certificate: folder.path, key: good.keyPath, authorities: good.authoritiesPath), "not a file"),
      (.init(certificate: good.certificatePath, key: "/dev/null", authorities: good.authoritiesPath), "not a file"),
      (
        .init(certificate: good.certificatePath, key: other.keyPath, authorities: good.authoritiesPath),
        "do not match"
      ),
      (
        .init(certificate: good.certificatePath, key: good.keyPath, authorities: good.keyPath),
        "the authorities are not PEM certificates"
      ),
    ]
    for (files, message) in rows {
      let failure = #expect(throws: PeerFailure.self) { try files.check() }
      #expect(failure?.message.contains(message) == true, "\(failure.map { $0.message } ?? "") ")
    }
  }

  /// An authority ends after 3,650 days.
  @Test func noCertificateOutlivesItsAuthority() throws {
    let authority = "\(folder.path)/good"
    func refusal(_ days: Int, from now: Int) throws -> String? {
      let failure = #expect(throws: PeerFailure.self) {
        try CertificateMaker.write(to: "\(folder.path)/no", authority: authority, days: days, from: now)
      }
      #expect(!FileManager.default.fileExists(atPath: "\(folder.path)/no"))
      return failure?.message
    }
    // A minute into a day of it.
    let now = time(nil) + 60
    #expect(try refusal(3_650, from: now)?.contains("choose --days 3649") == true)
    #expect(try refusal(10, from: now + 3_640 * 86_400)?.contains("choose --days 9") == true)
    #expect(try refusal(1, from: now + 3_650 * 86_400)?.contains("make a new one") == true)
    _ = try Self.certificates("\(folder.path)/last", authority: authority, days: 9, from: now + 3_640 * 86_400)
  }

  @Test func nothingIsWrittenOver() throws {
    let before = try Data(contentsOf: URL(fileURLWithPath: good.keyPath))
    #expect(throws: PeerFailure.self) { try CertificateMaker.write(to: "\(folder.path)/good", days: 1) }
    #expect(try Data(contentsOf: URL(fileURLWithPath: good.keyPath)) == before)
    for (name, mode) in [("pod.key", 0o600), ("authority.key", 0o600), ("pod.pem", 0o644)] as [(String, mode_t)] {
      var status = stat()
      #expect(stat("\(folder.path)/good/\(name)", &status) == 0 && status.st_mode & 0o777 == mode)
    }
    #expect(throws: PeerFailure.self) { try CertificateMaker.write(to: "\(folder.path)/x", days: 0) }
    #expect(throws: PeerFailure.self) {
      try CertificateMaker.write(to: "\(folder.path)/x", authority: "\(folder.path)/x", days: 1)
    }
  }
}
