/// Why a numbered input was not executed.
public enum SkipReason: UInt8, Hashable, Sendable, CaseIterable {
  /// The owner has as much unsaved state as allowed. The input was never executed and never will be: its client may
  /// retry.
  case overloaded = 0
  /// The client's deadline passed before its turn: nobody waits now.
  case expired = 1
  /// It cannot be applied, so an operator set it aside.
  case setAside = 2
  /// A partition that it needs does not serve: what it would hold until then, nobody else could have. Its client may
  /// retry. Only under `Rules.eras` and later.
  case undecidable = 3
  /// What an ingest log has at this place is not a command for this partition.
  case unreadable = 4
}
