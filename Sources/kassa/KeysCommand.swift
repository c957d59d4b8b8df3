import Peers
import Settings

/// `kassa keys`
enum KeysCommand {
  static let page = CommandPage(
    name: "keys", usage: "[--out FILE]", summary: "make a key pair for the connections between pods",
    text: [
      "Writes a new file, which only its owner can read: a public key, its secret, and the public key once more as "
        + "the one that is trusted, so that all pods of a cluster can share the file. Never writes over a file."
    ],
    options: [CommandOption("out", "FILE", "the file to write; default: peers.key")])

  static let command = Command(page: page) { arguments, program in
    let arguments = try Arguments(arguments, of: page)
    try arguments.expectRest(0...0, of: page)
    let path = arguments.values["out"] ?? "peers.key"
    let keys = try PeerKeys.make()
    try keys.write(to: path)
    program.console.say("\(path)\npublic \(keys.publicKey)\n")
    return .success
  }
}
