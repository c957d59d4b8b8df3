import Foundation

/// Prometheus' own linter, which comes with Debian's package `prometheus`.
public enum Promtool {
  /// What `promtool check metrics` says against a page; nil when it says nothing. A missing promtool is a complaint
  /// too: an unchecked format is no format.
  public static func complaint(about text: [UInt8]) throws -> String? {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["promtool", "check", "metrics"]
    let (input, output) = (Pipe(), Pipe())
    process.standardInput = input
    process.standardOutput = output
    process.standardError = output
    try process.run()
    try input.fileHandleForWriting.write(contentsOf: Data(text))
    try input.fileHandleForWriting.close()
    let said = String(decoding: output.readAll(), as: UTF8.self)
    process.waitUntilExit()
    guard process.terminationStatus != 0 else { return nil }
    return "promtool (Debian package prometheus) ended with \(process.terminationStatus): \(said)"
  }
}
