import Testing
import TokenMint

@testable import Callers

/// What a lane remembers of tokens, and for how long.
@Suite struct TokenCacheTests {
  @Test func aSignatureIsCheckedOnce() throws {
    let shop = try Shop()
    let token = try shop.rsa.token(Shop.claims())
    for _ in 0..<100 { #expect(shop.told(token) == "jwt:alice orders:read,stock:read") }
    #expect(shop.checks.value == 1)
    // One that is refused is never remembered as good.
    let forged = token.dropLast(4) + "AAAA"
    for _ in 0..<3 { #expect(shop.told(String(forged)) == "signature") }
    #expect(shop.checks.value == 4)
  }

  @Test func aRememberedTokenExpiresAllTheSame() throws {
    let shop = try Shop()
    let token = try shop.curve.token(Shop.claims(["exp": "\(Shop.now + 10)", "nbf": "\(Shop.now)"]))
    #expect(shop.told(token).hasPrefix("jwt:alice"))
    shop.clock.set(Shop.now + 69)
    #expect(shop.told(token).hasPrefix("jwt:alice"))
    shop.clock.set(Shop.now + 70)
    #expect(shop.told(token) == "expired")
    // A clock that is set back.
    shop.clock.set(Shop.now - 61)
    #expect(shop.told(token) == "notYetValid")
    #expect(shop.checks.value == 1)
  }

  @Test func whenKeysAreReadAgainTokensAreCheckedAgain() throws {
    let shop = try Shop()
    let (rsa, curve) = (try shop.rsa.token(Shop.claims()), try shop.curve.token(Shop.claims()))
    #expect(shop.told(rsa).hasPrefix("jwt:alice") && shop.told(curve).hasPrefix("jwt:alice"))
    try shop.accept([shop.curve])
    #expect(shop.told(rsa) == "unknownKey" && shop.told(curve).hasPrefix("jwt:alice"))
    // Another key under the same name.
    try shop.accept([try TokenMint(.p256, id: "curve")])
    #expect(shop.told(curve) == "signature")
  }

  /// More tokens than are remembered: each is still answered right, and one in use stays.
  @Test func itIsBounded() throws {
    let shop = try Shop()
    let used = try shop.curve.token(Shop.claims(["sub": "\"used\""]))
    for number in 0..<5_000 {
      let token = try shop.curve.token(Shop.claims(["jti": "\(number)"]))
      #expect(shop.told(token).hasPrefix("jwt:alice"))
      if number % 100 == 0 { #expect(shop.told(used).hasPrefix("jwt:used")) }
    }
    #expect(shop.checks.value == 5_001)
  }

  /// Whatever is added, count and bytes keep their bounds, and what was added last is there.
  @Test(arguments: [100, 1_000, 8_000]) func countAndBytesAreBounded(_ length: Int) throws {
    var known = RecentTokens()
    let caller = Caller(id: "jwt:a", scopes: [], rate: nil, bucket: SharedBucket())
    let grant = TokenRules.Grant(subject: "a", scopes: [], start: 0, end: 1)
    var token = [UInt8](repeating: UInt8(ascii: "x"), count: length)
    for number in 0..<6_000 {
      // Each end is used twice: for two tokens, and for the same one.
      let text = Array("\(1_000_000 + number / 2)".utf8)
      token.replaceSubrange((length - text.count)..., with: text)
      token[0] = UInt8(number & 2)
      token.withUnsafeBufferPointer { bytes in
        known.add(RecentTokens.Entry(bytes, grant, caller))
        #expect(known.find(bytes) != nil)
      }
      #expect(known.count <= RecentTokens.tokensMax && known.bytes <= RecentTokens.bytesMax)
    }
    token[length / 2] ^= 1
    #expect(token.withUnsafeBufferPointer { known.find($0) == nil }, "the whole token counts")
    #expect([].withUnsafeBufferPointer { known.find($0) == nil })
  }

  /// Random changes of good tokens: nothing traps, and whatever differs is refused.
  @Test func anyMutationIsRefused() throws {
    let shop = try Shop()
    let authority = try shop.authority([shop.rsa, shop.curve])
    let tokens = try [shop.rsa, shop.curve].map { Array(try $0.token(Shop.claims()).utf8) }
    var generator = SystemRandomNumberGenerator()
    let seed = UInt64.random(in: 0 ... .max, using: &generator)
    var random = Steps(state: seed)
    for round in 0..<100_000 {
      let original = tokens[round % 2]
      var bytes = original
      for _ in 0...random.below(3) { Self.change(&bytes, &random) }
      guard bytes != original else { continue }
      let isLetIn = bytes.withUnsafeBufferPointer { (try? authority.grant($0)) != nil }
      if isLetIn { Issue.record("seed \(seed), round \(round): \(String(decoding: bytes, as: UTF8.self))") }
    }
  }

  private static func change(_ bytes: inout [UInt8], _ random: inout Steps) {
    guard !bytes.isEmpty else { return bytes.append(UInt8(random.below(256))) }
    let place = random.below(bytes.count)
    switch random.below(6) {
    case 0: bytes[place] = UInt8(random.below(256))
    case 1: bytes[place] ^= 1 << UInt8(random.below(8))
    case 2: bytes.remove(at: place)
    case 3: bytes.insert(UInt8(random.below(256)), at: place)
    case 4: bytes.removeSubrange(place...)
    default: bytes.swapAt(place, random.below(bytes.count))
    }
  }

  /// A generator that a seed repeats: SplitMix64.
  private struct Steps {
    var state: UInt64
    mutating func below(_ bound: Int) -> Int {
      state &+= 0x9e37_79b9_7f4a_7c15
      var word = state
      word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
      word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
      return Int((word ^ word >> 31) % UInt64(bound))
    }
  }
}
