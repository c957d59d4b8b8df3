import Foundation

extension Pipe {
  /// Everything that is written into it until its last writer ends.
  ///
  /// Foundation's own function ends the process if the descriptor does not block, which happens when several threads
  /// start processes at a time: Foundation then changes a descriptor that has just been closed, and whose number the
  /// pipe has got.
  public func readAll() -> Data {
    let descriptor = fileHandleForReading.fileDescriptor
    var data = Data()
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = read(descriptor, &chunk, chunk.count)
      if count > 0 {
        data.append(contentsOf: chunk[..<count])
      } else if count < 0, errno == EAGAIN || errno == EINTR {
        var events = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        _ = poll(&events, 1, 1_000)
      } else {
        return data
      }
    }
  }
}
