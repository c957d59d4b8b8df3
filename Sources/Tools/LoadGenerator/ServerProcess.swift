import CEpoll
import Glibc

/// CPU time of another process on this machine, and how to find the one that listens on a port.
enum ServerProcess {
  /// User and system time of all threads of the process so far, in seconds; nil if there is no such process.
  static func cpuSeconds(of pid: Int32) -> Double? {
    guard let text = read("/proc/\(pid)/stat", bytesMax: 4_096), let end = text.lastIndex(of: ")") else { return nil }
    // After the name, which may contain anything, the fields count from 3 (state); 14 and 15 are utime and stime.
    let fields = text[text.index(after: end)...].split(separator: " ")
    guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
    let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
    return ticks > 0 ? (user + system) / ticks : nil
  }

  /// The processes that listen on a local TCP port, as far as this user may see them: one per socket, as a server's
  /// workers share it.
  static func listening(onPort port: UInt16) -> [Int32] {
    var inodes: Set<Substring> = []
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
      guard let text = read(table, bytesMax: 16 * 1_048_576) else { continue }
      let hex = String(port, radix: 16, uppercase: true)
      let suffix = ":" + String(repeating: "0", count: 4 - hex.count) + hex
      for line in text.split(separator: "\n").dropFirst() {
        let fields = line.split(separator: " ")
        // Local address, remote address, state (0A: listening) … inode.
        if fields.count > 9, fields[1].hasSuffix(suffix), fields[3] == "0A" { inodes.insert(fields[9]) }
      }
    }
    guard !inodes.isEmpty else { return [] }
    return numbers(in: "/proc").sorted().filter { pid in
      let held = Set(numbers(in: "/proc/\(pid)/fd").compactMap { socket("/proc/\(pid)/fd/\($0)") })
      let unseen = held.intersection(inodes)
      inodes.subtract(unseen)
      return !unseen.isEmpty
    }
  }

  /// The inode of a descriptor's socket.
  private static func socket(_ descriptor: String) -> Substring? {
    var target = [CChar](repeating: 0, count: 64)
    let count = readlink(descriptor, &target, target.count - 1)
    guard count > 9 else { return nil }
    let name = String(decoding: target[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return name.hasPrefix("socket:[") ? name.dropFirst(8).dropLast() : nil
  }

  /// CPU time of the calling thread so far, in seconds.
  static func ownThreadCPUSeconds() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  /// Makes the kernel, if it allows that, wake the calling thread at the requested moment, not up to 50 µs later: an
  /// open loop's arrival sent late would count as the server's latency.
  static func wakeOnTime() { _ = kassa_set_timer_slack(1_000) }

  private static func numbers(in folder: String) -> [Int32] {
    guard let directory = opendir(folder) else { return [] }
    defer { closedir(directory) }
    var found: [Int32] = []
    while let entry = readdir(directory) {
      // The entry is shorter than its type says, so only touch the name itself.
      guard let offset = MemoryLayout<dirent>.offset(of: \.d_name) else { return [] }
      let name = String(cString: (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self))
      if let number = Int32(name) { found.append(number) }
    }
    return found
  }

  private static func read(_ path: String, bytesMax: Int) -> String? {
    guard let file = fopen(path, "r") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while bytes.count < bytesMax {
      let count = fread(&chunk, 1, chunk.count, file)
      if count == 0 { break }
      bytes += chunk[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
