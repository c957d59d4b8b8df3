import Foundation
import Peers
import TestSupport
import Testing

@Suite struct PeerKeysTests {
  @Test func filesAreWrittenAndRead() throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/peers.key"
    var keys = try PeerKeys.make()
    keys.trusted.insert(try PeerKeys.make().publicKey)
    try keys.write(to: path)
    var status = stat()
    #expect(stat(path, &status) == 0 && status.st_mode & 0o777 == 0o600)
    let read = try PeerKeys(path: path)
    #expect(read.fileText == keys.fileText && read.trusted == keys.trusted && read.trusted.count == 2)
    #expect(!"\(read)".contains(secret(of: keys)))
    #expect(throws: PeerFailure.self, "never over a file that is there") { try keys.write(to: path) }
  }

  private func secret(of keys: PeerKeys) -> String {
    String(keys.fileText.split(separator: "\n")[1].dropFirst("secret ".count))
  }

  @Test(arguments: [0o644, 0o604, 0o620, 0o602, 0o601] as [mode_t])
  func filesOfTooManyAreRefused(_ mode: mode_t) throws {
    let folder = try TemporaryFolder()
    let path = folder.path + "/peers.key"
    try PeerKeys.make().write(to: path)
    chmod(path, mode)
    #expect(throws: PeerFailure.self) { try PeerKeys(path: path) }
    for mode in [0o600, 0o400, 0o440] as [mode_t] {
      chmod(path, mode)
      #expect(throws: Never.self) { try PeerKeys(path: path) }
    }
  }

  @Test func wrongFilesAreRefused() throws {
    let folder = try TemporaryFolder()
    #expect(throws: PeerFailure.self) { try PeerKeys(path: folder.path + "/none") }
    #expect(throws: PeerFailure.self) { try PeerKeys(path: folder.path) }
    #expect(throws: PeerFailure.self) { try PeerKeys(path: "/dev/null") }
    let (keys, other) = (try PeerKeys.make(), try PeerKeys.make())
    let text = keys.fileText
    for wrong in [
      "", "public", text + "what \(keys.publicKey)\n", text + "public \(keys.publicKey)\n", text + "trusted short\n",
      "public \(other.publicKey)\nsecret \(secret(of: keys))\ntrusted \(keys.publicKey)\n",
      "public \(keys.publicKey)\nsecret \(secret(of: keys))\n", "public \(keys.publicKey)\ntrusted \(keys.publicKey)\n",
      String(repeating: "\u{1F600}", count: 10),
    ] { #expect(throws: PeerFailure.self) { try PeerKeys(fileText: wrong) } }
    #expect(PeerKey("") == nil && PeerKey(String(repeating: "\"", count: 40)) == nil)
  }
}
