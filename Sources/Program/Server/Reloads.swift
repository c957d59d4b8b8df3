import Dispatch
import OperatorAPI
import Synchronization
import Telemetry

/// Something that may change while a server runs.
public struct Reload: Sendable {
  /// The setting that names it, such as `api-keys`.
  let setting: StaticString
  /// Reads it, puts it in force if it can be used, and logs what became of it. Returns a sentence about why it cannot
  /// be used; nil if it can. Blocking; on any thread.
  let read: @Sendable (Log) -> String?

  public init(_ setting: StaticString, read: @escaping @Sendable (Log) -> String?) {
    self.setting = setting
    self.read = read
  }
}

/// Everything that can be reloaded. One reload runs at a time, whoever asks: a signal or the operator port.
final class Reloads: Sendable {
  private let reloads = Mutex<[Reload]>([])
  private let queue = DispatchQueue(label: "reloads")

  func add(_ reload: Reload) { reloads.withLock { $0.append(reload) } }

  /// Reloads everything. A part that cannot be used stays as it is and does not hold up the others. Blocking.
  func run(_ journal: Log) -> ReloadReport {
    reloads.withLock { reloads in
      var report = ReloadReport()
      for reload in reloads {
        if let failure = reload.read(journal) {
          report.failures.append("\(reload.setting) could not be reloaded and stays as it was: \(failure)")
        } else {
          report.read.append(reload.setting.description)
        }
      }
      return report
    }
  }

  /// Reloads everything on another thread.
  func run(_ journal: Log, completion: @escaping @Sendable (ReloadReport) -> Void) {
    queue.async { completion(self.run(journal)) }
  }
}
