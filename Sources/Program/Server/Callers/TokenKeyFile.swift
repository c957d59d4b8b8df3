import Callers
import Clocks
import TokenSignatures

/// The file of the keys of tokens, and what stays the same whichever keys are in it.
struct TokenKeyFile: Sendable {
  private let options: TokenOptions
  private let buckets = SubjectBuckets()

  init(_ options: TokenOptions) { self.options = options }

  /// - Throws: `KeyFileFailure` if it cannot be read, others may change it, or no key in it can be used.
  func read() throws(KeyFileFailure) -> TokenKeySet {
    let path = options.keysFile
    let bytes = try GuardedFile.present(path, .public, bytesMax: TokenKeySet.bytesMax)
    do throws(TokenKeySet.Failure) {
      return try TokenKeySet(bytes, isUsable: TokenSignatures.isUsable)
    } catch {
      throw KeyFileFailure(path, error.description)
    }
  }

  /// Accepts tokens of these keys. All that are made here share the subjects' buckets.
  func authority(_ set: TokenKeySet) -> TokenAuthority {
    TokenAuthority(
      keys: set.keys, rules: options.rules, rate: options.rate, buckets: buckets,
      seconds: { WallClock.milliseconds / 1_000 }, isGenuine: TokenSignatures.isGenuine)
  }
}
