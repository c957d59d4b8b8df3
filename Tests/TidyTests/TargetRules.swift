/// Which target may see which, and that each has its tests.
enum TargetRules {
  /// The folders of Sources that have targets, from the lowest.
  static let floors = [
    "System", "Platform", "Shop", "Ports", "Adapters", "Runtime", "Edge", "Tools", "Program",
  ]
  /// Floors that are one target: the target is the floor's folder.
  static let floorsOfOneTarget: Set<String> = ["Ports", "Runtime"]

  /// These decide the same in every replay: the standard library and each other, nothing else.
  static let pureTargets: [String: Set<String>] = [
    "Model": [],
    "PartitionCore": ["Model", "Streams"],
    "Wire": ["Model", "PartitionCore", "Streams"],
    "Orders": ["Model", "PartitionCore"],
    "Stock": ["Model", "PartitionCore"],
    "Payments": ["Model", "PartitionCore"],
    "Streams": ["Model"],
    "Tenancy": ["Model", "PartitionCore", "Streams"],
    "JSON": [],
    "Callers": ["JSON", "Synchronization"],
  ]

  /// Foundation is slow to start and slow to run: only what stands beside a request's way may use it.
  static let foundationTargets: Set<String> = ["kassa", "Simulator"]

  static func impureImports(_ file: SourceFile) -> [Finding] {
    guard !file.isTest, let target = file.target, let allowed = pureTargets[target] else { return [] }
    return file.imports.filter { !allowed.contains($0.module) }.map {
      Finding(
        path: file.path, line: $0.line, message: "\(target) is pure and must not import \($0.module)")
    }
  }

  static func foundationImports(_ file: SourceFile) -> [Finding] {
    guard !file.isTest, let target = file.target, !foundationTargets.contains(target) else { return [] }
    return file.imports.filter { $0.module.hasPrefix("Foundation") }.map {
      Finding(
        path: file.path, line: $0.line, message: "\(target) stands in a request's way: Glibc instead of \($0.module)")
    }
  }

  /// Imports of our own targets that the manifest has no arrow for.
  static func missingArrows(_ file: SourceFile, _ manifest: Manifest) -> [Finding] {
    guard let target = file.target, let arrows = manifest.arrows[target] else { return [] }
    return file.imports.filter {
      manifest.arrows[$0.module] != nil && !arrows.contains($0.module) && $0.module != target
    }
    .map {
      Finding(
        path: file.path, line: $0.line, message: "\(target) imports \($0.module): Package.swift has no such arrow")
    }
  }

  /// Arrows to a floor above.
  static func upwardFloors(_ manifest: Manifest) -> [Finding] {
    func height(_ target: String) -> Int? {
      manifest.floors[target].flatMap { floor in floors.firstIndex { $0.lowercased() == floor } }
    }
    return manifest.order.filter { !$0.hasSuffix("Tests") }.flatMap { target -> [Finding] in
      guard let own = height(target) else { return [] }
      return (manifest.arrows[target] ?? []).sorted().filter { height($0) ?? 0 > own }.map {
        Finding(path: "Package.swift", line: 0, message: "\(target) depends on \($0), which is on a higher floor")
      }
    }
  }

  /// Arrows to a target that the manifest declares further down.
  static func upwardArrows(_ manifest: Manifest) -> [Finding] {
    var seen: Set<String> = []
    var findings: [Finding] = []
    for target in manifest.order {
      seen.insert(target)
      for below in (manifest.arrows[target] ?? []).sorted() where !seen.contains(below) {
        let message = "\(target) depends on \(below), which stands below it: arrows point down only"
        findings.append(Finding(path: "Package.swift", line: 0, message: message))
      }
    }
    return findings
  }

  /// Source targets without a test.
  static func missingMirrors(_ files: [SourceFile]) -> [Finding] {
    let tested = Set(files.filter { $0.isTest && $0.code.contains { $0.contains("@Test") } }.compactMap(\.target))
    // A program that is nothing but its arguments has its tests where it has its work.
    let sources = Set(files.filter { !$0.isTest && !$0.path.hasSuffix("/main.swift") }.compactMap(\.target))
    let lacking = sources.filter { !tested.contains("\($0)Tests") }
    return lacking.sorted().map {
      Finding(path: "Sources/\($0)", line: 0, message: "no test in Tests/\($0)Tests")
    }
  }

  /// Files that only hold a target's place.
  static func placeholders(_ files: [SourceFile]) -> [Finding] {
    files.filter { $0.path.hasSuffix("/Placeholder.swift") || $0.path.hasSuffix("/PlaceholderTests.swift") }.map {
      Finding(path: $0.path, line: 0, message: "nothing is in it: delete it")
    }
  }
}
