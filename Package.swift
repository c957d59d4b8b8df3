// swift-tools-version: 6.1
// Kassa's targets, lowest first: an arrow between targets always points down (docs/internals/README.md).
import PackageDescription

let swiftSettings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  // The core's generic tables are specialised in the runtime's module; without this every call is a witness call.
  // It serialises what is public only, so that everything generic on the hot path is public.
  .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
  // Tests are debug builds, which check every access; a fiftieth of a server's time went into checking it again.
  .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

extension SwiftSetting {
  /// The mistakes that tests plant exist in debug builds only, so that no shop runs a program that could make them.
  static let plantedBugs = SwiftSetting.define("PLANTED_BUGS", .when(configuration: .debug))
}

/// A target that follows Kassa's settings.
func target(
  _ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = [], path: String? = nil,
  _ more: [SwiftSetting] = []
) -> Target {
  .target(name: name, dependencies: dependencies, path: path, exclude: exclude, swiftSettings: swiftSettings + more)
}

/// The test target that mirrors a source target.
func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = []) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, resources: resources, swiftSettings: swiftSettings)
}

let package = Package(
  name: "kassa",
  products: [
    .executable(name: "kassa", targets: ["kassa"]),
    .executable(name: "kassa-simulator", targets: ["FleetRunner"]),
  ],
  targets: [
    // Libraries of the system, found by pkg-config.
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(
      name: "CMicroHTTPD", pkgConfig: "libmicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
    .systemLibrary(name: "CUV", pkgConfig: "libuv", providers: [.apt(["libuv1-dev"])]),
    .systemLibrary(name: "CPostgres", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
    .systemLibrary(name: "CRdKafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
    // Without pkg-config, whose flags for it the package manager warns of.
    .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
    .systemLibrary(name: "CGnuTLS", pkgConfig: "gnutls", providers: [.apt(["libgnutls28-dev"])]),
    // A part of the C library that Swift's own module leaves out.
    .systemLibrary(name: "CEpoll"),

    // Pure: the standard library and each other, nothing else.
    target("Model"),
    target("Streams", ["Model"], path: "Sources/Shop/Streams"),
    target("PartitionCore", ["Model", "Streams"]),
    target("Wire", ["Model", "PartitionCore", "Streams"], exclude: ["records.proto"]),
    target("Tenancy", ["Model", "PartitionCore", "Streams"], path: "Sources/Shop/Tenancy", [.plantedBugs]),
    target("Orders", ["Model", "PartitionCore"]),
    target("Stock", ["Model", "PartitionCore"]),
    target("Payments", ["Model", "PartitionCore"]),

    // The seams, each with its in-memory twin, and the embedded adapters.
    target("EventLog", ["Model", "PartitionCore", "Streams", "Wire"]),
    target("StateStore", ["Model", "PartitionCore", "Wire"]),
    target("PriceCache", ["Model"]),
    target("Threads"),
    target("SQLiteFolder", ["CSQLite"]),
    target("SQLiteLog", ["SQLiteFolder", "EventLog", "Model", "PartitionCore", "Streams", "Threads", "Wire"]),
    target("SQLiteStore", ["SQLiteFolder", "StateStore", "Model", "PartitionCore", "Threads", "Wire"]),
    target(
      "FolderUpgrade",
      [
        "EventLog", "Model", "Orders", "PartitionCore", "Payments", "SQLiteFolder", "SQLiteLog", "SQLiteStore",
        "StateStore", "Stock",
      ], path: "Sources/Adapters/FolderUpgrade"),
    target("PostgresStore", ["CPostgres", "Model", "PartitionCore", "StateStore", "Threads", "Wire"]),

    // Who may do what: the rules, and the files that they come from.
    target("Callers", path: "Sources/Edge/Callers"),
    target("CallerFiles", ["Callers"], path: "Sources/Edge/CallerFiles"),

    // What is refused, how and why.
    target("Problems", path: "Sources/Edge/Problems"),

    // The shell around the core.
    target("Lanes", ["CUV"]),
    target("OwnershipMap", ["Model"]),
    target(
      "KafkaLog",
      ["CRdKafka", "EventLog", "Lanes", "Model", "OwnershipMap", "PartitionCore", "Streams", "Threads", "Wire"]),
    target("Peers", ["CGnuTLS", "Lanes"]),
    target("RedisPriceCache", ["CGnuTLS", "CHiredis", "Lanes", "Model", "PriceCache"]),
    target("Telemetry"),
    target(
      "PartitionRuntime",
      [
        "Model", "PartitionCore", "Orders", "Stock", "Payments", "EventLog", "StateStore",
        "PriceCache", "Lanes", "OwnershipMap", "Streams", "Telemetry", "Tenancy", "Threads",
      ]),
    target("HTTPServer", ["Callers", "CGnuTLS", "CMicroHTTPD", "Lanes"]),
    target("RestAPI", ["Callers", "HTTPServer", "Model", "PartitionRuntime", "PriceCache", "Problems", "Telemetry"]),
    target("OperatorAPI", ["Callers", "HTTPServer", "Model", "PartitionRuntime", "Problems", "Telemetry"]),

    // The program and its tools.
    target("Settings", ["Callers"]),
    target(
      "Serving",
      [
        "CallerFiles", "Callers", "HTTPServer", "Lanes", "Model", "OperatorAPI", "PartitionCore", "PartitionRuntime",
        "PriceCache", "RestAPI", "Settings", "Telemetry", "Threads",
      ]),
    target(
      "Embedded",
      [
        "EventLog", "FolderUpgrade", "HTTPServer", "Model", "OperatorAPI", "PartitionCore", "PartitionRuntime",
        "PriceCache", "SQLiteFolder", "SQLiteLog", "SQLiteStore", "Serving", "Settings", "Telemetry",
      ]),
    target(
      "Cluster",
      [
        "EventLog", "HTTPServer", "KafkaLog", "Lanes", "Model", "OperatorAPI", "OwnershipMap", "PartitionCore",
        "PartitionRuntime", "Peers", "PostgresStore", "PriceCache", "RedisPriceCache", "Serving", "Settings",
        "StateStore", "Telemetry", "Threads", "Wire",
      ]),
    target(
      "Audit",
      [
        "Model", "PartitionCore", "Orders", "Stock", "Payments", "Streams", "Tenancy", "Wire", "EventLog",
        "StateStore", "KafkaLog", "PostgresStore", "SQLiteFolder", "SQLiteLog", "SQLiteStore",
      ]),
    target(
      "Simulator", ["Model", "PartitionCore", "Orders", "Stock", "Payments", "Streams", "Tenancy", "Wire"],
      [.plantedBugs]),
    .executableTarget(
      name: "FleetRunner", dependencies: ["Simulator", "Tenancy"], path: "Sources/Tools/FleetRunner",
      swiftSettings: swiftSettings + [.plantedBugs]),
    target("LoadGenerator", ["CEpoll", "Telemetry"]),
    target("OperatorClient", ["Model", "Settings", "Telemetry"]),
    .executableTarget(
      name: "kassa",
      dependencies: [
        "Audit", "CallerFiles", "Callers", "Cluster", "Embedded", "Model", "PartitionCore", "Wire", "EventLog",
        "StateStore", "PriceCache", "KafkaLog", "PostgresStore",
        "SQLiteLog", "SQLiteStore", "Lanes", "PartitionRuntime", "HTTPServer", "RestAPI", "OperatorAPI",
        "OperatorClient", "Peers", "Problems", "Serving", "Streams", "Telemetry", "Tenancy", "Threads", "Settings",
        "Simulator", "LoadGenerator",
      ],
      swiftSettings: swiftSettings),

    .executableTarget(
      name: "peers-bench", dependencies: ["Lanes", "Peers"], path: "perf/peers", swiftSettings: swiftSettings),

    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: swiftSettings),
    tests("TidyTests", []),
    tests("CallersTests", ["Callers", "TestSupport"]),
    tests("CallerFilesTests", ["CallerFiles", "Callers", "TestSupport"]),
    tests("ProblemsTests", ["Problems"]),
    tests("SettingsTests", ["Settings"]),
    tests(
      "kassaTests",
      [
        "Audit", "CallerFiles", "Callers", "EventLog", "Model", "PartitionCore", "SQLiteFolder", "SQLiteLog",
        "SQLiteStore", "Settings", "Streams", "Tenancy", "TestSupport", "kassa",
      ]),
    tests(
      "ServingTests",
      [
        "CallerFiles", "Callers", "HTTPServer", "Lanes", "Model", "OperatorAPI", "PartitionRuntime", "PriceCache",
        "Serving", "Settings",
        "Telemetry", "TestSupport",
      ]),
    tests(
      "EmbeddedTests",
      [
        "Audit", "Embedded", "HTTPServer", "LoadGenerator", "OperatorClient", "SQLiteFolder", "Serving", "Settings",
        "Telemetry", "TestSupport",
      ]),
    tests(
      "ClusterTests",
      [
        "Audit", "Cluster", "EventLog", "HTTPServer", "KafkaLog", "Lanes", "LoadGenerator", "Model", "OperatorAPI",
        "OperatorClient", "OwnershipMap", "PartitionCore", "PartitionRuntime", "Peers", "PostgresStore", "PriceCache",
        "RedisPriceCache", "Serving", "Settings", "StateStore", "Streams", "Telemetry", "TestSupport", "Threads",
        "Wire",
      ]),
    tests(
      "AuditTests",
      [
        "Audit", "Embedded", "EventLog", "LoadGenerator", "Model", "Orders", "PartitionCore", "Payments",
        "SQLiteFolder", "SQLiteLog", "SQLiteStore", "Settings", "StateStore", "Stock", "Streams", "Telemetry",
        "Tenancy", "TestSupport", "Wire",
      ]),
    tests("SimulatorTests", ["Simulator", "Tenancy"]),
    tests("StreamsTests", ["Model", "Streams", "TestSupport"]),
    tests("TenancyTests", ["Model", "PartitionCore", "Payments", "Streams", "Tenancy", "TestSupport"]),
    .target(
      name: "RuleTables", dependencies: ["Model", "PartitionCore"], path: "Tests/RuleTables",
      swiftSettings: swiftSettings),
    tests("OrdersTests", ["Orders", "Model", "PartitionCore", "RuleTables"]),
    tests("StockTests", ["Stock", "Model", "PartitionCore", "RuleTables"]),
    tests("PaymentsTests", ["Payments", "Model", "PartitionCore", "RuleTables"]),
    tests("ModelTests", ["Model"], resources: [.copy("murmur2-golden.tsv")]),
    tests(
      "WireTests", ["Wire", "Model", "Orders", "PartitionCore", "Payments", "Stock", "Streams", "TestSupport"],
      resources: [.copy("golden.txt")]),
    .target(
      name: "GoldenLogs", dependencies: ["Model", "Wire"], path: "Tests/GoldenLogs",
      resources: [.copy("v0.1.0.txt")], swiftSettings: swiftSettings),
    tests(
      "GoldenLogTests", ["GoldenLogs", "Model", "Orders", "PartitionCore", "Payments", "Stock", "Wire"]),
    tests(
      "FolderUpgradeTests",
      [
        "EventLog", "FolderUpgrade", "GoldenLogs", "Model", "PartitionCore", "SQLiteFolder", "SQLiteLog",
        "SQLiteStore", "TestSupport", "Wire",
      ]),
    tests("PartitionCoreTests", ["PartitionCore", "Model"]),
    tests(
      "RestAPITests",
      [
        "Callers", "RestAPI", "HTTPServer", "Model", "PartitionRuntime", "PriceCache", "Problems", "Telemetry",
        "TestSupport",
      ]),
    tests("TelemetryTests", ["Telemetry", "TestSupport"]),
    tests(
      "OperatorAPITests", ["OperatorAPI", "HTTPServer", "Model", "PartitionRuntime", "Telemetry", "TestSupport"]),
    tests("ThreadsTests", ["Threads"]),
    tests(
      "SQLiteLogTests",
      [
        "EventLog", "Model", "PartitionCore", "SQLiteFolder", "SQLiteLog", "Streams", "TestSupport", "Threads", "Wire",
      ]),
    tests(
      "StateStoreTests",
      [
        "Model", "PartitionCore", "PostgresStore", "SQLiteFolder", "SQLiteStore", "StateStore", "Streams",
        "TestSupport",
      ]),
    tests(
      "SQLiteStoreTests", ["Model", "PartitionCore", "SQLiteFolder", "SQLiteStore", "StateStore", "TestSupport"]),
    tests(
      "PostgresStoreTests",
      [
        "Model", "PartitionCore", "PostgresStore", "SQLiteFolder", "SQLiteStore", "StateStore", "Streams",
        "TestSupport", "Threads", "Wire",
      ]),
    tests(
      "KafkaLogTests",
      [
        "CRdKafka", "EventLog", "KafkaLog", "Lanes", "Model", "OwnershipMap", "PartitionCore", "Streams",
        "TestSupport", "Threads", "Wire",
      ]),
    tests("SQLiteFolderTests", ["SQLiteFolder", "TestSupport"]),
    tests("PriceCacheTests", ["Model", "PriceCache"]),
    tests("PeersTests", ["Lanes", "Peers", "TestSupport"]),
    tests("RedisPriceCacheTests", ["Lanes", "Model", "PriceCache", "RedisPriceCache", "TestSupport"]),
    tests(
      "EventLogTests",
      ["EventLog", "Model", "PartitionCore", "SQLiteFolder", "SQLiteLog", "Streams", "TestSupport", "Threads"]),
    tests("HTTPServerTests", ["HTTPServer", "Lanes", "TestSupport", "Threads"]),
    tests("LanesTests", ["Lanes", "TestSupport"]),
    tests(
      "PartitionRuntimeTests",
      [
        "EventLog", "Lanes", "Model", "OwnershipMap", "PartitionCore", "PartitionRuntime", "StateStore", "Streams",
        "TestSupport", "Wire",
      ]),
    tests("OwnershipMapTests", ["Model", "OwnershipMap"]),
    tests("LoadGeneratorTests", ["LoadGenerator", "Telemetry"]),
    tests("OperatorClientTests", ["Model", "OperatorClient", "Settings", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
