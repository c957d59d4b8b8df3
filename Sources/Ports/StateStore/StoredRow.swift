/// A row as a store has it.
package struct StoredRow: Hashable, Sendable {
  package let kind: UInt8
  /// Its key's text.
  package let text: String
  package let body: [UInt8]

  package init(kind: UInt8, text: String, body: [UInt8]) {
    self.kind = kind
    self.text = text
    self.body = body
  }
}

/// What became of a store's rows.
package struct GrownRows: Hashable, Sendable {
  /// Rows that were looked at.
  package var seen = 0
  /// Those that have another partition now.
  package var moved = 0
  /// Rows of idempotency keys that were added.
  package var copied = 0

  package init() {}
}
