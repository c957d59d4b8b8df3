import Testing

/// Each rule bites, and lets pass what is right.
@Suite struct RuleTests {
  private func source(_ text: String, at path: String = "Sources/Shop/Model/Snippet.swift") -> SourceFile {
    SourceFile(path: path, text: text)
  }

  @Test func splitsCodeFromComments() {
    let file = source(
      ##"""
      let a = "no // comment \(f("x") /* c */ + 1) here" // but this
      /* one /* two */ still */ let b = #"\(no) " \#(code)"#
      let c = """
        // text
        """
      let d = "" + "\"" // e
      """##)
    #expect(
      file.code == [
        ##"let a = "(f("")  + 1)" "##, #" let b = "(code)""#, "let c = \"", "", "\"", ##"let d = "" + "" "##,
      ])
    #expect(file.comments[0] == " c  but this" && file.comments[1] == " one  two  still ")
    #expect(file.comments[3].isEmpty && file.comments[5] == " e")
  }

  @Test func longLine() {
    let line = String(repeating: "é", count: 120)
    #expect(LengthRules.longLines(source(line)).isEmpty)
    #expect(LengthRules.longLines(source("\n" + line + "é")).map(\.line) == [2])
  }

  @Test func longFiles() {
    func findings(_ lengths: [Int]) -> Int { LengthRules.longFiles(lengths.map { ("f\($0)", $0) }).count }
    #expect(findings([90, 90, 500]) == 1, "nine of ten")
    #expect(findings(Array(repeating: 90, count: 10) + [500]) == 0)
    #expect(findings(Array(repeating: 90, count: 10) + [501]) == 1, "the longest")
    #expect(findings([10, 91, 91]) == 1, "the median")
  }

  @Test(arguments: [
    ("func f(a: Int = { 1 }()) async throws -> [Int] {\nBODY}", "f"),
    ("  init?(x: Int)\n    where T: P\n  {\nBODY  }", "init"),
    ("deinit {\nBODY}", "deinit"),
    ("protocol P {\n  func g()\n  func h() -> Int\n}\nfunc `i`() {\nBODY}", "i"),
  ])
  func longFunction(_ text: String, _ name: String) {
    func findings(_ count: Int) -> [Finding] {
      LengthRules.longFunctions(
        source(text.replacing("BODY", with: String(repeating: "  if a { b() }\n", count: count))))
    }
    #expect(findings(66).isEmpty)
    #expect(findings(70).map { String($0.message.prefix { $0 != " " }) } == [name])
  }

  @Test func callsOfInitialisersAreNoFunctions() {
    #expect(FunctionFinder(["let a = T.init(b)", "self.init(c)", "let f = { x in", "}"]).functions.isEmpty)
  }

  @Test(arguments: [
    ("// TODO: later", true), ("// FIXME", true), ("let a = \"XXX\"", true), ("// a HACK", true),
    ("// good for now", true), ("// good for nowhere", false), ("let template = \"XXXXXX\"", false),
    ("fatalError(\"x\")", true), ("// no fatalError", false), ("let a = try! b()", true), ("let a = try? b()", false),
    ("let a = b as! C", true), ("Thread.sleep(forTimeInterval: 1)", true), ("usleep(1)", true),
    ("nanosleep(&a, nil)", true), ("flag.sleep()", false),
    ("print(1)", true), ("debugprint(1)", false), ("Date()", true), ("lastDate()", false), ("Int.random(in: a)", true),
    ("a.hashValue", true), ("ContinuousClock().now", true), ("a.shuffled()", false), ("a.shuffle()", true),
  ])
  func bannedWord(_ line: String, _ isBanned: Bool) {
    #expect(WordRules.bannedWords(source(line)).isEmpty == !isBanned)
  }

  @Test func wordsAreBannedWhereTheyHarm() {
    #expect(WordRules.bannedWords(source("print(1); Date()", at: "Sources/Program/kassa/A.swift")).isEmpty)
    #expect(WordRules.bannedWords(source("usleep(1); Date()", at: "Tests/Shop/ModelTests/A.swift")).isEmpty)
    #expect(WordRules.bannedWords(source("try! f()", at: "Tests/Shop/ModelTests/A.swift")).count == 1)
  }

  @Test func uncheckedNeedsAReason() {
    let mark = "final class A: @unchecked Sendable {}"
    #expect(SafetyRules.unexplained(source(mark)).count == 1)
    #expect(SafetyRules.unexplained(source("nonisolated(unsafe) var a = 1 // unsafe")).count == 1)
    #expect(SafetyRules.unexplained(source("/// Safe: never changed.\n" + mark)).isEmpty)
    #expect(SafetyRules.unexplained(source("// safe" + String(repeating: "\n", count: 7) + mark)).count == 1)
  }

  @Test(arguments: [
    ("a!.b", 1), ("f()!", 1), ("a[0]!", 1), ("var a: Int!", 1), ("a != b", 0), ("!a", 0), ("(!a)", 0), ("\"a!\"", 0),
    ("a! // safe: set above", 0), ("// safe: set above\na!", 0),
  ])
  func forceUnwrap(_ text: String, _ count: Int) {
    #expect(SafetyRules.forceUnwraps(source(text)).count == count)
    #expect(SafetyRules.forceUnwraps(source(text, at: "Tests/Shop/ModelTests/A.swift")).isEmpty)
  }

  @Test func impureImport() {
    let text = "import Model\npublic import struct Foundation.Date\n@preconcurrency import Glibc\n// import Wire"
    #expect(TargetRules.impureImports(source(text, at: "Sources/Shop/Orders/A.swift")).map(\.line) == [2, 3])
    #expect(TargetRules.impureImports(source(text, at: "Sources/Platform/Lanes/A.swift")).isEmpty)
    #expect(TargetRules.foundationImports(source(text, at: "Sources/Platform/Lanes/A.swift")).map(\.line) == [2])
    #expect(TargetRules.foundationImports(source(text, at: "Sources/Program/kassa/A.swift")).isEmpty)
  }

  private let manifest = Manifest(
    """
    let package = Package(
      products: [.executable(name: "p", targets: ["A"])],
      targets: [
        .systemLibrary(name: "C", pkgConfig: "c", providers: [.apt(["libc"])]),
        target("A", .shop, ["C"], exclude: ["x.proto"]),
        // target("Z", ["A"]),
        target("B", .ports),
        .target(
          name: "D", dependencies: ["A", "E"],
          resources: [.embedInCode("r")]),
        target(
          "E", .shop,
          [
            "A", "B",
          ]),
        tests("ATests", ["A"], resources: [.copy("g")]),
      ]
    """)

  @Test func readsTheManifest() {
    #expect(manifest.order == ["C", "A", "B", "D", "E", "ATests"])
    #expect(manifest.arrows == ["C": [], "A": ["C"], "B": [], "D": ["A", "E"], "E": ["A", "B"], "ATests": ["A"]])
  }

  @Test func arrows() {
    #expect(TargetRules.upwardArrows(manifest).map(\.message.first) == ["D"])
    #expect(TargetRules.upwardFloors(manifest).map(\.message.first) == ["E"])
    let text = "import A\nimport B\nimport Glibc"
    #expect(TargetRules.missingArrows(source(text, at: "Sources/Shop/D/F.swift"), manifest).map(\.line) == [2])
    #expect(TargetRules.missingArrows(source(text, at: "Tests/Shop/ATests/F.swift"), manifest).map(\.line) == [2])
    #expect(TargetRules.missingArrows(source(text, at: "Sources/Shop/E/F.swift"), manifest).isEmpty)
  }

  @Test func mirrors() {
    let files = [
      source("", at: "Sources/Shop/A/F.swift"), source("", at: "Sources/Shop/B/F.swift"),
      source("@Test func a() {}", at: "Tests/Shop/ATests/F.swift"), source("// @Test", at: "Tests/Shop/BTests/F.swift"),
    ]
    #expect(TargetRules.missingMirrors(files).map(\.path) == ["Sources/B"])
  }

  @Test func placeholders() {
    let files = [
      source("", at: "Sources/Shop/A/Placeholder.swift"), source("", at: "Sources/Shop/A/PlaceholderText.swift"),
    ]
    #expect(TargetRules.placeholders(files).map(\.path) == ["Sources/Shop/A/Placeholder.swift"])
  }

  @Test func brokenLinks() {
    let pages = [
      "docs/a.md": """
      [b](b.md) [up](../README.md#the-name-of-it) [self](#here) [out](https://example.org/x) [folder](internals)
      [gone](c.md) [wrong](../README.md#nothing)
      ```
      [code](d.md)
      ```
      ## Here
      """,
      "docs/b.md": "", "docs/internals": "", "README.md": "# The name, of it",
    ]
    let findings = PageRules.brokenLinks(
      "docs/a.md", pages["docs/a.md"] ?? "", exists: { pages[$0] != nil }, text: { pages[$0] ?? "" })
    #expect(findings.map(\.line) == [2, 2])
  }

  @Test func failureRows() {
    let page = """
      ## Failures and their tests
      | failure | tests |
      |---|---|
      | a | `FTests/x`, `g/y` |
      | b | |
      | c | `FTests/z`, `Tests/run` |
      ## Others
      | d | `nothing` |
      """
    let files = ["Tests/A/FTests.swift": "@Test func x() {}", "Tests/g.py": "def y():", "Tests/run": ""]
    let findings = FailureRows.findings(page, files: files.keys.sorted()) { files[$0] ?? "" }
    #expect(findings.map(\.line) == [5, 6])
    #expect(FailureRows.rows(page).count == 3)
  }

  @Test(
    arguments: ["home", "root", "Users", "work"],
    [
      ("see /FOLDER/me/x", 1), ("`/FOLDER/a`", 1), ("a/FOLDER/b", 0), ("https://x.org/FOLDER/b", 0),
      ("the /FOLDER/ folder", 1),
    ])
  func machinePath(_ folder: String, _ line: (pattern: String, count: Int)) {
    let text = line.pattern.replacing("FOLDER", with: folder)
    #expect(PageRules.machinePaths("a.md", [text[...]]).count == line.count)
  }
}
