/// Why a numbered input was not executed.
public enum SkipReason: UInt8, Hashable, Sendable, CaseIterable {
  /// The owner has as much unsaved state as it may. It was never executed and never will be: its client may try again.
  case overloaded = 0
  /// The client's deadline passed before its turn came: nobody waits any more.
  case expired = 1
  /// It cannot be applied, and an operator set it aside.
  case setAside = 2
}
