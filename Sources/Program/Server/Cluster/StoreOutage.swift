/// When a pod leaves the group of a service whose database it cannot reach, and joins again.
///
/// A member that cannot take over what it is assigned keeps it from those that can. It steps aside only while something
/// waits for it: it continues with what it owns, from memory and the log.
struct StoreOutage {
  enum Step: Hashable { case stepAside, join }

  /// How long takeovers may fail before others should try: as long as the group waits for a silent member.
  let millisecondsMax: Int64
  private var failingSince: Int64?
  private var isAside = false

  init(millisecondsMax: Int64) {
    self.millisecondsMax = millisecondsMax
  }

  /// What to do now, if anything.
  /// - Parameters:
  ///   - isConnected: whether the database answers.
  ///   - isFailing: whether a failed takeover of the service is waiting.
  mutating func look(isConnected: Bool, isFailing: Bool, at now: Int64) -> Step? {
    if isAside {
      guard isConnected else { return nil }
      isAside = false
      return .join
    }
    guard !isConnected, isFailing else {
      failingSince = nil
      return nil
    }
    let since = failingSince ?? now
    failingSince = since
    guard now - since >= millisecondsMax else { return nil }
    failingSince = nil
    isAside = true
    return .stepAside
  }
}
