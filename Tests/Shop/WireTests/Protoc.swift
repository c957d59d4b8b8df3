import Foundation
import TestSupport

/// Google's own reader and writer of the format, as a second opinion on `Sources/Shop/Wire`.
enum Protoc {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// The text format of a message's bytes.
  static func decode(_ message: String, _ bytes: [UInt8]) throws -> String {
    String(decoding: try run("--decode", message, Data(bytes)), as: UTF8.self)
  }

  /// The bytes of a message in the text format.
  static func encode(_ message: String, _ text: String) throws -> [UInt8] {
    [UInt8](try run("--encode", message, Data(text.utf8)))
  }

  private static let schemaFolder = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .appendingPathComponent("Sources/Shop/Wire").path

  /// What goes through the pipes is far smaller than a pipe's buffer, so neither side ever waits for the other.
  private static func run(_ mode: String, _ message: String, _ input: Data) throws -> Data {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = ["protoc", "\(mode)=kassa.v1.\(message)", "-I\(schemaFolder)", "records.proto"]
    let (stdin, stdout, stderr) = (Pipe(), Pipe(), Pipe())
    process.standardInput = stdin
    process.standardOutput = stdout
    process.standardError = stderr
    try process.run()
    try stdin.fileHandleForWriting.write(contentsOf: input)
    try stdin.fileHandleForWriting.close()
    let output = stdout.readAll()
    let errors = stderr.readAll()
    process.waitUntilExit()
    guard process.terminationStatus != 127 else {
      throw Failure(description: "protoc is not in PATH; install Debian's package protobuf-compiler")
    }
    guard process.terminationStatus == 0 else {
      throw Failure(description: "protoc failed: \(String(decoding: errors, as: UTF8.self))")
    }
    return output
  }
}
