// kassa-simulator: fleets in which everything that can go wrong does, in an order that follows from a seed.
import Glibc
import Simulator
import Tenancy

let usage = """
  kassa-simulator [--seed N] [--seeds N] [--steps N] [--plant MISTAKE]

    --seed N         the first seed (1)
    --seeds N        how many seeds (100)
    --steps N        steps of each before it comes to rest (3000)
    --plant MISTAKE  have the machine make a mistake; debug builds only:
                     \(TenancyBug.allCases.map(\.rawValue).joined(separator: " "))
  """

func refuse(_ sentence: String) -> Never {
  let text = "kassa-simulator: \(sentence)\n\(usage)\n"
  _ = text.withCString { write(STDERR_FILENO, $0, strlen($0)) }
  exit(2)
}

var numbers: [String: UInt64] = ["--seed": 1, "--seeds": 100, "--steps": 3_000]
var planted: TenancyBug?
var arguments = CommandLine.arguments.dropFirst()
while let name = arguments.popFirst() {
  guard let value = arguments.popFirst() else { refuse("\(name) needs a value") }
  if name == "--plant" {
    guard let bug = TenancyBug(rawValue: value) else { refuse("there is no mistake '\(value)'") }
    planted = bug
  } else {
    guard numbers[name] != nil else { refuse("there is no option '\(name)'") }
    guard let number = UInt64(value) else { refuse("\(name) needs a whole number, not '\(value)'") }
    numbers[name] = number
  }
}

let runs = FleetRuns(
  firstSeed: numbers["--seed"] ?? 1, seedCount: Int(numbers["--seeds"] ?? 1), steps: Int(numbers["--steps"] ?? 1),
  planted: planted)
let summary = runs.run()
puts("\(summary.seedsRun) seeds, hash \(String(summary.hash, radix: 16))")
puts(summary.tallyText)
if let (seed, violation) = summary.failure {
  puts("seed \(seed): \(violation)")
  exit(1)
}
