// swift-tools-version: 6.1
// Kassa's targets by floor, lowest first: an arrow between targets always points down (docs/internals/README.md).
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

/// A folder of Sources, and of Tests, that has targets. From the lowest to the highest.
enum Floor: String {
  /// Module maps of the system's C libraries.
  case system = "System"
  /// Threads, loops, logs, metrics: nothing of the shop.
  case platform = "Platform"
  /// What the shop decides. Pure: the standard library and each other, nothing else.
  case shop = "Shop"
  /// What the shop needs from outside: a protocol each, with a twin in memory.
  case ports = "Ports"
  /// The ports over SQLite, Kafka, PostgreSQL and Redis, and connections between pods.
  case adapters = "Adapters"
  /// Partitions on lanes.
  case runtime = "Runtime"
  /// What callers see.
  case edge = "Edge"
  /// What judges, loads and simulates.
  case tools = "Tools"
  /// What becomes a process.
  case program = "Program"

  /// A floor that is one target is that target's folder.
  func path(_ target: String, in root: String) -> String {
    [rawValue, "\(rawValue)Tests"].contains(target) ? "\(root)/\(rawValue)" : "\(root)/\(rawValue)/\(target)"
  }
}

/// A module of a C library, found by pkg-config where the library has a file for it.
func library(_ name: String, pkgConfig: String? = nil, apt package: String? = nil) -> Target {
  .systemLibrary(
    name: name, path: Floor.system.path(name, in: "Sources"), pkgConfig: pkgConfig,
    providers: package.map { [.apt([$0])] })
}

/// A target that follows Kassa's settings.
func target(
  _ name: String, _ floor: Floor, _ dependencies: [Target.Dependency] = [], exclude: [String] = [],
  _ more: [SwiftSetting] = []
) -> Target {
  .target(
    name: name, dependencies: dependencies, path: floor.path(name, in: "Sources"), exclude: exclude,
    swiftSettings: swiftSettings + more)
}

/// A program that follows Kassa's settings.
func program(_ name: String, _ floor: Floor, _ dependencies: [Target.Dependency], _ more: [SwiftSetting] = []) -> Target
{
  .executableTarget(
    name: name, dependencies: dependencies, path: floor.path(name, in: "Sources"), swiftSettings: swiftSettings + more)
}

/// The test target that mirrors a source target.
func tests(
  _ name: String, _ floor: Floor, _ dependencies: [Target.Dependency], resources: [Resource] = []
) -> Target {
  .testTarget(
    name: name, dependencies: dependencies, path: floor.path(name, in: "Tests"), resources: resources,
    swiftSettings: swiftSettings)
}

/// What several test targets share.
func support(_ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []) -> Target {
  .target(
    name: name, dependencies: dependencies, path: "Tests/Support/\(name)", resources: resources,
    swiftSettings: swiftSettings)
}

let package = Package(
  name: "kassa",
  products: [
    .executable(name: "kassa", targets: ["kassa"]),
    .executable(name: "kassa-simulator", targets: ["kassa-simulator"]),
  ],
  targets: [
    library("CSQLite", pkgConfig: "sqlite3", apt: "libsqlite3-dev"),
    library("CMicroHTTPD", pkgConfig: "libmicrohttpd", apt: "libmicrohttpd-dev"),
    library("CUV", pkgConfig: "libuv", apt: "libuv1-dev"),
    library("CPostgres", pkgConfig: "libpq", apt: "libpq-dev"),
    library("CRdKafka", pkgConfig: "rdkafka", apt: "librdkafka-dev"),
    // Without pkg-config, whose flags for it the package manager warns of.
    library("CHiredis", apt: "libhiredis-dev"),
    library("CGnuTLS", pkgConfig: "gnutls", apt: "libgnutls28-dev"),
    // A part of the C library that Swift's own module leaves out.
    library("CEpoll"),

    target("Clocks", .platform),
    target("JSON", .platform),
    target("Lanes", .platform, ["CUV"]),
    target("Telemetry", .platform),

    target("Model", .shop),
    target("Streams", .shop, ["Model"]),
    target("PartitionCore", .shop, ["Model", "Streams"]),
    target("Wire", .shop, ["Model", "PartitionCore", "Streams"], exclude: ["records.proto"]),
    target("Tenancy", .shop, ["Model", "PartitionCore", "Streams"], [.plantedBugs]),
    target("Orders", .shop, ["Model", "PartitionCore"]),
    target("Stock", .shop, ["Model", "PartitionCore"]),
    target("Payments", .shop, ["Model", "PartitionCore"]),

    target("Ports", .ports, ["Model", "PartitionCore", "Streams", "Wire"]),

    target(
      "SQLite", .adapters,
      ["CSQLite", "Lanes", "Model", "Orders", "PartitionCore", "Payments", "Ports", "Stock", "Streams", "Wire"]),
    target("Postgres", .adapters, ["CPostgres", "Clocks", "Lanes", "Model", "PartitionCore", "Ports", "Wire"]),
    target(
      "Kafka", .adapters,
      ["CRdKafka", "Clocks", "JSON", "Lanes", "Model", "PartitionCore", "Ports", "Streams", "Wire"]),
    target("Redis", .adapters, ["CGnuTLS", "CHiredis", "Lanes", "Model", "Ports"]),
    target("Peers", .adapters, ["CGnuTLS", "Clocks", "Lanes"]),

    target(
      "Runtime", .runtime,
      [
        "Clocks", "Lanes", "Model", "Orders", "PartitionCore", "Payments", "Ports", "Stock", "Streams", "Telemetry",
        "Tenancy",
      ]),

    target("Callers", .edge, ["JSON"]),
    target("TokenSignatures", .edge, ["CGnuTLS", "Callers"]),
    target("Problems", .edge, ["Telemetry"]),
    target("HTTPServer", .edge, ["CGnuTLS", "CMicroHTTPD", "Callers", "Lanes", "Telemetry"]),
    target(
      "RestAPI", .edge,
      ["Callers", "HTTPServer", "Model", "PartitionCore", "Ports", "Problems", "Runtime", "Streams", "Telemetry"]),
    target("OperatorAPI", .edge, ["Callers", "HTTPServer", "Model", "Problems", "Runtime", "Telemetry"]),

    target(
      "Audit", .tools,
      [
        "Kafka", "Model", "Orders", "PartitionCore", "Payments", "Ports", "Postgres", "SQLite", "Stock", "Streams",
        "Tenancy", "Wire",
      ]),
    target(
      "Simulator", .tools, ["Model", "Orders", "PartitionCore", "Payments", "Stock", "Streams", "Tenancy", "Wire"],
      [.plantedBugs]),
    program("kassa-simulator", .tools, ["Simulator"]),
    target("LoadGenerator", .tools, ["CEpoll", "Clocks", "Model", "Telemetry"]),

    target("Settings", .program, ["Callers"]),
    target("OperatorClient", .program, ["Clocks", "JSON", "Model", "Settings", "Telemetry"]),
    target(
      "Server", .program,
      [
        "Callers", "Clocks", "HTTPServer", "Kafka", "Lanes", "Model", "OperatorAPI", "PartitionCore", "Peers", "Ports",
        "Postgres", "Redis", "RestAPI", "Runtime", "SQLite", "Settings", "Telemetry", "TokenSignatures", "Wire",
      ]),
    program(
      "kassa", .program,
      [
        "Audit", "Callers", "Clocks", "HTTPServer", "Kafka", "Lanes", "LoadGenerator", "Model", "OperatorAPI",
        "OperatorClient", "PartitionCore", "Peers", "Ports", "Postgres", "Problems", "RestAPI", "Runtime", "SQLite",
        "Server", "Settings", "Streams", "Telemetry", "Tenancy", "Wire",
      ]),

    .executableTarget(
      name: "peers-bench", dependencies: ["Lanes", "Peers"], path: "perf/peers", swiftSettings: swiftSettings),

    support("TestSupport"),
    support("TokenMint", ["CGnuTLS"]),
    support("RuleTables", ["Model", "PartitionCore"]),
    support("GoldenLogs", ["Model", "Wire"], resources: [.copy("v0.1.0.txt")]),
    .testTarget(name: "TidyTests", swiftSettings: swiftSettings),

    tests("ClocksTests", .platform, ["Clocks"]),
    tests("JSONTests", .platform, ["JSON"]),
    tests("LanesTests", .platform, ["Lanes", "TestSupport"]),
    tests("TelemetryTests", .platform, ["Telemetry", "TestSupport"]),

    tests("ModelTests", .shop, ["Model"], resources: [.copy("murmur2-golden.tsv")]),
    tests("StreamsTests", .shop, ["Model", "Streams", "TestSupport"]),
    tests("PartitionCoreTests", .shop, ["Model", "PartitionCore", "Streams"]),
    tests(
      "WireTests", .shop,
      [
        "Model", "Orders", "PartitionCore", "Payments", "Stock", "Streams", "TestSupport", "Wire",
      ], resources: [.copy("golden.txt")]),
    tests(
      "TenancyTests", .shop, ["Model", "Orders", "PartitionCore", "Payments", "Streams", "Tenancy", "TestSupport"]),
    tests("OrdersTests", .shop, ["Model", "Orders", "PartitionCore", "RuleTables"]),
    tests("StockTests", .shop, ["Model", "PartitionCore", "RuleTables", "Stock"]),
    tests("PaymentsTests", .shop, ["Model", "PartitionCore", "Payments", "RuleTables"]),
    tests("GoldenLogTests", .shop, ["GoldenLogs", "Model", "Orders", "PartitionCore", "Payments", "Stock", "Wire"]),

    tests(
      "PortsTests", .ports,
      ["Lanes", "Model", "PartitionCore", "Ports", "Postgres", "SQLite", "Streams", "TestSupport"]),

    tests(
      "SQLiteTests", .adapters,
      ["GoldenLogs", "Lanes", "Model", "PartitionCore", "Ports", "SQLite", "Streams", "TestSupport", "Wire"]),
    tests(
      "KafkaTests", .adapters,
      ["CRdKafka", "Kafka", "Lanes", "Model", "PartitionCore", "Ports", "Streams", "TestSupport", "Wire"]),
    tests(
      "PostgresTests", .adapters,
      ["Lanes", "Model", "PartitionCore", "Ports", "Postgres", "SQLite", "Streams", "TestSupport", "Wire"]),
    tests("RedisTests", .adapters, ["Lanes", "Model", "Ports", "Redis", "TestSupport"]),
    tests("PeersTests", .adapters, ["Lanes", "Peers", "TestSupport"]),

    tests(
      "RuntimeTests", .runtime,
      ["Lanes", "Model", "PartitionCore", "Ports", "Runtime", "Streams", "TestSupport", "Wire"]),

    tests("CallersTests", .edge, ["Callers", "TestSupport"]),
    tests("TokenSignaturesTests", .edge, ["Callers", "TokenMint", "TokenSignatures"]),
    tests("ProblemsTests", .edge, ["Problems"]),
    tests("HTTPServerTests", .edge, ["HTTPServer", "Lanes", "Telemetry", "TestSupport"]),
    tests(
      "RestAPITests", .edge,
      ["Callers", "HTTPServer", "Model", "Ports", "Problems", "RestAPI", "Runtime", "Telemetry", "TestSupport"]),
    tests(
      "OperatorAPITests", .edge,
      ["Callers", "HTTPServer", "Model", "OperatorAPI", "Runtime", "Telemetry", "TestSupport"]),

    tests(
      "AuditTests", .tools,
      [
        "Audit", "LoadGenerator", "Model", "Orders", "PartitionCore", "Payments", "Ports", "SQLite", "Server",
        "Settings", "Stock", "Streams", "Telemetry", "Tenancy", "TestSupport", "Wire",
      ]),
    tests("SimulatorTests", .tools, ["Simulator", "Tenancy"]),
    tests("LoadGeneratorTests", .tools, ["Clocks", "LoadGenerator", "Model", "Telemetry"]),

    tests("SettingsTests", .program, ["Settings"]),
    tests("OperatorClientTests", .program, ["JSON", "Model", "OperatorClient", "Settings", "TestSupport"]),
    tests(
      "ServerTests", .program,
      [
        "Audit", "Callers", "Clocks", "HTTPServer", "Kafka", "Lanes", "LoadGenerator", "Model", "OperatorAPI",
        "OperatorClient", "PartitionCore", "Peers", "Ports", "Postgres", "Redis", "Runtime", "SQLite", "Server",
        "Settings", "Streams", "Telemetry", "TestSupport", "TokenMint", "Wire",
      ]),
    tests(
      "kassaTests", .program,
      [
        "Audit", "Callers", "Model", "PartitionCore", "Ports", "SQLite", "Server", "Settings", "Streams", "Tenancy",
        "Telemetry", "TestSupport", "kassa",
      ]),
  ],
  swiftLanguageModes: [.v6]
)
