import Foundation
import Settings
import TestSupport
import Testing

@testable import kassa

/// The generated scripts and the man page, judged by the programs they are for; a judge that is not installed is
/// not asked (scripts/system-packages --for test installs them all).
@Suite struct ShellTests {
  /// The exit code of a program that gets `input`, and what it says.
  private func judge(_ name: String, _ arguments: [String], _ input: String) throws -> (status: Int32, text: String)? {
    guard let path = ["/usr/bin/\(name)", "/bin/\(name)"].first(where: FileManager.default.isExecutableFile) else {
      return nil
    }
    let file = FileManager.default.temporaryDirectory.appending(path: "kassa-\(UUID().uuidString)")
    try Data(input.utf8).write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments + [file.path(percentEncoded: false)]
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let said = pipe.readAll()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: said, as: UTF8.self))
  }

  /// Every command, `serve` among them.
  private var manual: Manual {
    let pages = CommandTable.manual.pages.filter { $0.name != "serve" }
    return Manual(version: kassaVersion, date: kassaVersionDate, pages: pages + [ServeCommand.page])
  }

  @Test(arguments: Shell.allCases)
  func shellsReadTheirCompletions(_ shell: Shell) throws {
    guard let verdict = try judge(shell.rawValue, ["-n"], manual.completions(for: shell)) else { return }
    #expect(verdict.status == 0 && verdict.text.isEmpty, "\(verdict.text)")
  }

  @Test func bashCompletes() throws {
    let calls = """

      ask() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _kassa; echo "${COMPREPLY[*]}"; }
      ask kassa ser
      ask kassa serve --tls-
      ask kassa serve --event-log-retention ''
      ask kassa completions f
      """
    guard let verdict = try judge("bash", [], manual.completions(for: .bash) + calls) else { return }
    #expect(verdict.text == "serve\n--tls-certificate --tls-key\ntrim keep\nfish\n")
  }

  @Test func manPageHasNoErrors() throws {
    guard let verdict = try judge("mandoc", ["-T", "lint", "-W", "warning"], manual.manPage) else { return }
    #expect(verdict.status == 0, "\(verdict.text)")
  }
}
