// What a request and its answer between two pods cost: 200 bytes there and back over 127.0.0.1, both ends in this
// process, a lane each. CPU of the whole process, so of both pods. Beside it the least that could be: bare
// frames on one TCP connection and the same lanes. Models no network and no work behind the messages.
//
//   swift run -c release peers-bench
import Glibc
import Peers

func seconds(_ clock: clockid_t) -> Double {
  var time = timespec()
  clock_gettime(clock, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}

func cpuSeconds() -> Double { seconds(CLOCK_PROCESS_CPUTIME_ID) }
func wallSeconds() -> Double { seconds(CLOCK_MONOTONIC) }

func padded(_ text: String, _ width: Int) -> String {
  String(repeating: " ", count: max(width - text.count, 0)) + text
}

func report(_ name: String, _ inFlight: Int, _ count: Int, _ body: () -> Void) {
  let (cpu, wall) = (cpuSeconds(), wallSeconds())
  body()
  let perThousand = (cpuSeconds() - cpu) * 1e6 / Double(count)
  let rate = Double(count) / (wallSeconds() - wall) / 1_000
  let figures = [perThousand, rate].map { padded("\(($0 * 10).rounded() / 10)", 16) }.joined()
  print(name + padded("\(inFlight)", 26 - name.count) + figures)
}

print("way             under way  ms CPU per 1,000   1,000 a second")
let folder = String(cString: mkdtemp(strdup("/tmp/peers-bench-XXXXXX")))
let paths = try CertificateMaker.write(to: folder, days: 1)
let certificates = PeerCertificates(
  certificate: "\(folder)/pod.pem", key: "\(folder)/pod.key", authorities: "\(folder)/authorities.pem")
for (inFlight, count) in [(1, 20_000), (16, 200_000), (256, 400_000)] {
  var failure: (any Error)?
  report("plain frames", inFlight, count) {
    do { try plainRounds(Rounds(count, inFlight: inFlight)) } catch { failure = error }
  }
  for (name, certificates) in [("mesh", nil), ("mesh with TLS", certificates)] {
    try meshRounds(Rounds(count, inFlight: inFlight), certificates: certificates) { work in
      report(name, inFlight, count, work)
    }
  }
  if let failure { throw failure }
}
for path in paths { unlink(path) }
rmdir(folder)
