import Testing

/// The rules, held against the whole repository.
@Suite struct TreeTests {
  let files = Repository.swiftFiles
  let manifest = Manifest(Repository.text("Package.swift"))

  private func expectNone(_ findings: [Finding], _ place: SourceLocation = #_sourceLocation) {
    let text = findings.map(\.description).joined(separator: "\n")
    #expect(findings.isEmpty, "\n\(text)", sourceLocation: place)
  }

  @Test func findsTheTree() {
    #expect(files.count > 100)
    #expect(manifest.order.contains("kassa") && manifest.arrows["Orders"] == ["Model", "PartitionCore"])
    #expect(manifest.order.count > 30)
  }

  @Test func linesAreShort() { expectNone(files.flatMap(LengthRules.longLines)) }

  @Test func filesAreShort() { expectNone(LengthRules.longFiles(files.map { ($0.path, $0.lineCount) })) }

  @Test func functionsAreShort() { expectNone(files.flatMap(LengthRules.longFunctions)) }

  @Test func noBannedWords() { expectNone(files.flatMap(WordRules.bannedWords)) }

  @Test func uncheckedIsExplained() { expectNone(files.flatMap(SafetyRules.unexplained)) }

  @Test func noForceUnwraps() { expectNone(files.flatMap(SafetyRules.forceUnwraps)) }

  @Test func pureTargetsImportNothingElse() { expectNone(files.flatMap(TargetRules.impureImports)) }

  @Test func noFoundationInARequestsWay() { expectNone(files.flatMap(TargetRules.foundationImports)) }

  @Test func importsHaveArrows() { expectNone(files.flatMap { TargetRules.missingArrows($0, manifest) }) }

  @Test func arrowsPointDown() {
    expectNone(TargetRules.upwardArrows(manifest) + TargetRules.upwardFloors(manifest))
  }

  /// The package manager wants every target's folder, whichever product it builds.
  @Test func theImageHasEveryTargetsFolder() {
    let steps = Repository.text("Dockerfile").split(separator: "\n")
    let copied = steps.prefix { !$0.contains("swift build ") }.filter { $0.hasPrefix("COPY ") }
      .flatMap { $0.split(separator: " ").dropFirst().dropLast() }
    let folders = Repository.text("Package.swift").matches(of: /path: "([^"]+)"/).map(\.output.1)
    for folder in ["Sources", "Tests"] + folders {
      #expect(copied.contains { folder == $0 || folder.hasPrefix("\($0)/") }, "\(folder) is not in the image")
    }
  }

  @Test func everyTargetHasItsTests() { expectNone(TargetRules.missingMirrors(files)) }

  @Test func noPlaceholders() { expectNone(TargetRules.placeholders(files)) }

  @Test func linksLeadSomewhere() {
    expectNone(
      Repository.pages.flatMap {
        PageRules.brokenLinks($0, Repository.text($0), exists: Repository.exists, text: Repository.text)
      })
  }

  @Test func everyFailureHasATestThatExists() {
    let content = Repository.text(FailureRows.page)
    #expect(FailureRows.rows(content).count == 47)
    let mistakes = ["Sources/Tools/Simulator/PlantedBug.swift", "Sources/Shop/Tenancy/TenancyBug.swift"]
    let files = Repository.files(under: "Tests") + mistakes
    expectNone(FailureRows.findings(content, files: files, text: Repository.text))
  }

  @Test func noPathsOfOneMachine() {
    let pages = Repository.pages.map {
      ($0, Repository.text($0).split(separator: "\n", omittingEmptySubsequences: false))
    }
    let sources = files.filter { !$0.path.hasPrefix("Tests/TidyTests/") }.map { ($0.path, $0.lines) }
    expectNone((pages + sources).flatMap(PageRules.machinePaths))
  }
}
