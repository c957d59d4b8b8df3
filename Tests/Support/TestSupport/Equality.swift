import Testing

/// Expects two values to be equal, where finding the first one out changes something: `#expect` takes no such
/// expression.
package func expectEqual<Value: Equatable>(
  _ found: Value, _ right: Value, _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(found == right, comment, sourceLocation: sourceLocation)
}
