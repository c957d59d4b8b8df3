import Model

extension RequestRefusal {
  init(_ refusal: PeerRefusal) {
    self =
      switch refusal {
      case .overloaded: .overloaded
      case .stopping: .stopping
      case .starting: .starting
      case .partitionStopped(let partition): .partitionStopped(partition)
      case .logFailed: .logFailed
      case .outcomeUnknown: .outcomeUnknown
      }
  }
}

extension PeerRefusal {
  init(_ refusal: RequestRefusal) {
    self =
      switch refusal {
      case .overloaded: .overloaded
      case .stopping: .stopping
      case .starting: .starting
      case .partitionStopped(let partition): .partitionStopped(partition)
      case .logFailed: .logFailed
      case .outcomeUnknown: .outcomeUnknown
      }
  }
}
