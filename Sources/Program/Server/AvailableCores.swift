import Glibc

/// How many cores the process may use: no more than its CPU affinity names, and no more than the quotas of its cgroups
/// (`cpu.max`, version 2) allow.
public enum AvailableCores {
  /// - Parameters:
  ///   - affinity: the cores that the process may run on.
  ///   - quotas: the texts of `cpu.max` of its cgroup and of those above it; each is `max PERIOD` or `QUOTA PERIOD`, in
  ///     microseconds. Anything else sets no bound.
  /// - Returns: 1 at least. A share of a core counts as a whole one.
  public static func count(affinity: Int, quotas: [String]) -> Int {
    max(1, quotas.compactMap(cores).reduce(affinity, min))
  }

  private static func cores(_ quota: String) -> Int? {
    let words = quota.split(whereSeparator: \.isWhitespace)
    guard words.count == 2, let time = Int(words[0]), let period = Int(words[1]), time > 0, period > 0 else {
      return nil
    }
    let (whole, rest) = time.quotientAndRemainder(dividingBy: period)
    return rest > 0 ? whole + 1 : whole
  }

  /// The files with a process's quotas: `cpu.max` of its cgroup and of each above it.
  ///
  /// - Parameter membership: the text of `/proc/self/cgroup`; only version 2, the line `0::PATH`, counts.
  static func quotaFiles(membership: String) -> [String] {
    guard let line = membership.split(separator: "\n").first(where: { $0.hasPrefix("0::/") }) else { return [] }
    var folder = "/sys/fs/cgroup"
    var files = ["\(folder)/cpu.max"]
    for part in line.dropFirst(4).split(separator: "/") {
      folder += "/\(part)"
      files.append("\(folder)/cpu.max")
    }
    return files
  }

  /// The cores that this process may use.
  public static func ofThisProcess() -> Int {
    let quotas = quotaFiles(membership: text("/proc/self/cgroup") ?? "").compactMap(text)
    let affinity = text("/proc/self/status").flatMap(affinity)
    return count(affinity: affinity ?? Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), quotas: quotas)
  }

  /// How many cores a process may run on; nil if the text does not say.
  ///
  /// - Parameter status: the text of `/proc/self/status`, whose line `Cpus_allowed_list: 0-3,8` counts.
  static func affinity(status: String) -> Int? {
    let name = "Cpus_allowed_list:"
    guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix(name) }) else { return nil }
    var count = 0
    for range in line.dropFirst(name.count).split(whereSeparator: { $0 == "," || $0.isWhitespace }) {
      let ends = range.split(separator: "-").compactMap { Int($0) }
      guard let first = ends.first, let last = ends.last, ends.count <= 2, first <= last else { return nil }
      count += last - first + 1
    }
    return count > 0 ? count : nil
  }

  /// The beginning of a small file; nil if it cannot be read.
  private static func text(_ path: String) -> String? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var bytes = [UInt8](repeating: 0, count: 64 << 10)
    let count = fread(&bytes, 1, bytes.count, file)
    return ferror(file) == 0 ? String(decoding: bytes.prefix(count), as: UTF8.self) : nil
  }
}
