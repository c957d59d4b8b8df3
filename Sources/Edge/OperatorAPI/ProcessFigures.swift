import Glibc

/// The kernel's figures about this process.
struct ProcessFigures: Sendable {
  var cpuSeconds: Double
  var residentBytes: UInt64
  var virtualBytes: UInt64
  var openDescriptors: Int
  var descriptorsMax: UInt64

  /// Reads `/proc/self`; what cannot be read is 0.
  static func now() -> ProcessFigures {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1_000_000 }
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    let pages = memoryPages()
    let pageBytes = UInt64(max(sysconf(Int32(_SC_PAGESIZE)), 0))
    return ProcessFigures(
      cpuSeconds: seconds(usage.ru_utime) + seconds(usage.ru_stime),
      residentBytes: pages.resident.multipliedReportingOverflow(by: pageBytes).partialValue,
      virtualBytes: pages.virtual.multipliedReportingOverflow(by: pageBytes).partialValue,
      openDescriptors: countDescriptors(), descriptorsMax: UInt64(limit.rlim_cur))
  }

  /// The first two numbers of `/proc/self/statm`.
  private static func memoryPages() -> (virtual: UInt64, resident: UInt64) {
    guard let file = fopen("/proc/self/statm", "re") else { return (0, 0) }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 128)
    guard fgets(&buffer, Int32(buffer.count), file) != nil else { return (0, 0) }
    let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    let numbers = String(decoding: bytes, as: UTF8.self).split(separator: " ").map { UInt64($0) ?? 0 }
    return numbers.count >= 2 ? (numbers[0], numbers[1]) : (0, 0)
  }

  private static func countDescriptors() -> Int {
    guard let folder = opendir("/proc/self/fd") else { return 0 }
    defer { closedir(folder) }
    var entries = 0
    while readdir(folder) != nil { entries += 1 }
    // Without `.`, `..` and the folder itself.
    return max(entries - 3, 0)
  }
}
