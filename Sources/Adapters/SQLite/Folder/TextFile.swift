import Glibc

/// Small text files, read and replaced as a whole.
enum TextFile {
  /// The file's text; nil if it cannot be read or is longer than `bytesMax`.
  static func read(_ path: String, bytesMax: Int) -> String? {
    let file = open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var bytes = [UInt8](repeating: 0, count: bytesMax + 1)
    var count = 0
    while count < bytes.count {
      let read = bytes[count...].withUnsafeMutableBytes { Glibc.read(file, $0.baseAddress, $0.count) }
      if read < 0 && errno == EINTR { continue }
      guard read >= 0 else { return nil }
      if read == 0 { break }
      count += read
    }
    guard count <= bytesMax else { return nil }
    return String(validating: bytes.prefix(count), as: UTF8.self)
  }

  /// Replaces the file so that after a crash it holds either the old or the new text. Returns `errno`, or 0.
  static func replace(_ path: String, with text: String, in folder: String) -> Int32 {
    let temporary = path + ".new"
    let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    guard file >= 0 else { return errno }
    var code = write(text, to: file)
    if code == 0 && fsync(file) != 0 { code = errno }
    close(file)
    if code == 0 && rename(temporary, path) != 0 { code = errno }
    if code != 0 {
      unlink(temporary)
      return code
    }
    return sync(folder: folder)
  }

  /// Writes all of `text`. Returns `errno`, or 0.
  static func write(_ text: String, to file: Int32) -> Int32 {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { return errno }
      rest = rest.dropFirst(written)
    }
    return 0
  }

  /// Makes the folder's entries durable. Returns `errno`, or 0.
  static func sync(folder: String) -> Int32 {
    let file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard file >= 0 else { return errno }
    defer { close(file) }
    return fsync(file) == 0 ? 0 : errno
  }
}
