// kassa-simulator: fleets in which everything that can go wrong does, in an order that follows from a seed.
import Glibc
import Simulator

let usage = """
  kassa-simulator [--seed N] [--seeds N] [--steps N] [--plant MISTAKE]

    --seed N         the first seed; the others follow it (1)
    --seeds N        how many seeds (1000)
    --steps N        steps of each before it comes to rest (3000)
    --plant MISTAKE  make a mistake, which must be found; debug builds only:
                     \(PlantedMistake.names.joined(separator: " "))
  """

func say(_ text: String, to descriptor: Int32 = STDOUT_FILENO) {
  _ = text.withCString { write(descriptor, $0, strlen($0)) }
}

func complain(_ text: String) { say(text, to: STDERR_FILENO) }

func refuse(_ sentence: String) -> Never {
  complain("kassa-simulator: \(sentence)\n\(usage)\n")
  exit(2)
}

/// On a terminal only; `done` is followed by what was counted.
func showProgress(_ done: Int, of total: Int) {
  guard isatty(STDERR_FILENO) == 1 else { return }
  complain("\r\(done) of \(total) seeds")
  if done == total { complain("\r\u{1b}[K") }
}

var numbers: [String: UInt64] = ["--seed": 1, "--seeds": 1_000, "--steps": 3_000]
let most: [String: UInt64] = ["--seed": .max, "--seeds": 1_000_000_000, "--steps": 1_000_000_000]
var planted: (name: String, mistake: PlantedMistake)?
var arguments = CommandLine.arguments.dropFirst()
while let name = arguments.popFirst() {
  if name == "--help" {
    say(usage + "\n")
    exit(0)
  }
  guard name == "--plant" || numbers[name] != nil else { refuse("there is no option '\(name)'") }
  guard let value = arguments.popFirst() else { refuse("\(name) needs a value") }
  if name == "--plant" {
    guard let mistake = PlantedMistake(named: value) else { refuse("there is no mistake '\(value)'") }
    guard PlantedMistake.arePossible else { refuse("only a debug build makes mistakes: swift build") }
    planted = (value, mistake)
  } else {
    let least: UInt64 = name == "--seeds" ? 1 : 0
    guard let number = UInt64(value), number >= least, number <= most[name] ?? .max else {
      refuse("\(name) cannot be '\(value)': \(least)…\(most[name] ?? .max)")
    }
    numbers[name] = number
  }
}

let runs = FleetRuns(
  firstSeed: numbers["--seed"] ?? 1, seedCount: Int(numbers["--seeds"] ?? 1), steps: Int(numbers["--steps"] ?? 1),
  planted: planted?.mistake)
let summary = runs.run { showProgress($0.seedsRun, of: runs.seedCount) }
if summary.failure != nil { showProgress(runs.seedCount, of: runs.seedCount) }
say(
  "\(summary.seedsRun) seeds from \(runs.firstSeed), \(runs.steps) steps each, "
    + "hash \(String(summary.hash, radix: 16))\n\(summary.tallyText)\n")
if let (seed, violation) = summary.failure {
  let plant = planted.map { " --plant \($0.name)" } ?? ""
  complain(
    "seed \(seed): \(violation)\n"
      + "again: kassa-simulator --seed \(seed) --seeds 1 --steps \(runs.steps)\(plant)\n")
  exit(1)
}
