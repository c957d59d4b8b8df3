import Peers
import Settings

/// `kassa keys`
enum KeysCommand {
  static let page = CommandPage(
    name: "keys", usage: "[--out FOLDER] [--authority FOLDER] [--days COUNT]",
    summary: "create certificates for the connections between pods",
    text: [
      "Writes a new authority (authorities.pem, authority.key) and a certificate that it signed (pod.pem, pod.key) "
        + "into a folder. All pods of a cluster may share the certificate: they check that another pod's is from the "
        + "authority and currently valid, not its name. Never overwrites a file, and only its owner can read the keys.",
      "Keep authority.key where no pod can read it; with --authority it signs another certificate, before the one in "
        + "use expires. With cert-manager this command is not needed.",
    ],
    options: [
      CommandOption("out", "FOLDER", "where the files go; default: keys", completion: .folders),
      CommandOption("authority", "FOLDER", "sign with the authority there instead of a new one", completion: .folders),
      CommandOption(
        "days", "COUNT", "how long the certificate is valid",
        details: "Default: 365. Range: 1…36500. A new authority is valid for ten years, or as long as the certificate. "
          + "With --authority, the certificate must expire before that authority."),
    ])

  static let command = Command(page: page) { arguments, program in
    let arguments = try Arguments(arguments, of: page)
    try arguments.expectRest(0...0, of: page)
    let days = try arguments.count("days", in: 1...36_500) ?? 365
    let paths = try CertificateMaker.write(
      to: arguments.values["out"] ?? "keys", authority: arguments.values["authority"], days: days)
    program.console.say(paths.joined(separator: "\n") + "\n")
    return .success
  }
}
