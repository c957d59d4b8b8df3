import Callers
import Testing
import TokenMint
import TokenSignatures

/// The examples of RFC 7515, and what is not quite them.
@Suite struct VectorTests {
  /// Appendix A.2.
  private static let rsaKey =
    "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4"
    + "qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5"
    + "z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8"
    + "NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\"}"
  private static let payload =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
  private static let rsaToken =
    "eyJhbGciOiJSUzI1NiJ9.\(payload).cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5Y"
    + "Kt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K"
    + "0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt"
    + "5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw"

  /// Appendix A.3.
  private static let curveKey =
    "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    + "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}"
  private static let curveToken =
    "eyJhbGciOiJFUzI1NiJ9.\(payload)."
    + "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q"

  private static func key(_ jwk: String) throws -> TokenKey {
    let set = try TokenKeySet(Array("{\"keys\":[\(jwk)]}".utf8), isUsable: TokenSignatures.isUsable)
    return try #require(set.keys.first)
  }

  /// The signed bytes and the signature.
  private static func parts(_ token: String) throws -> (signed: [UInt8], signature: [UInt8]) {
    let bytes = Array(token.utf8)
    let dot = try #require(bytes.lastIndex(of: UInt8(ascii: ".")))
    return (Array(bytes[..<dot]), try #require(base64(bytes[(dot + 1)...])))
  }

  /// A reader of its own, so that a mistake of the one under test does not hide.
  private static func base64(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    let bits = text.flatMap { byte in
      let value = alphabet.firstIndex(of: byte) ?? 0
      return (0..<6).map { value >> (5 - $0) & 1 }
    }
    return (0..<(bits.count / 8)).map { start in UInt8(bits[(start * 8)..<(start * 8 + 8)].reduce(0) { $0 * 2 + $1 }) }
  }

  private static func isGenuine(_ key: TokenKey, _ signed: [UInt8], _ signature: [UInt8]) -> Bool {
    signed.withUnsafeBufferPointer { TokenSignatures.isGenuine(key, $0, signature) }
  }

  @Test func examplesAreGenuineUnderTheirOwnKeyOnly() throws {
    let (rsa, curve) = (try Self.key(Self.rsaKey), try Self.key(Self.curveKey))
    #expect(rsa.algorithm == .rs256 && curve.algorithm == .es256)
    for (key, token, other) in [(rsa, Self.rsaToken, curve), (curve, Self.curveToken, rsa)] {
      let (signed, signature) = try Self.parts(token)
      #expect(Self.isGenuine(key, signed, signature))
      #expect(!Self.isGenuine(other, signed, signature))
    }
  }

  /// Each bit counts, of what is signed and of the signature; so does the length.
  @Test(arguments: [true, false]) func whatIsChangedIsNot(_ isRSA: Bool) throws {
    let key = try Self.key(isRSA ? Self.rsaKey : Self.curveKey)
    let (signed, signature) = try Self.parts(isRSA ? Self.rsaToken : Self.curveToken)
    for place in signature.indices {
      var other = signature
      other[place] ^= 1 << UInt8(place % 8)
      #expect(!Self.isGenuine(key, signed, other), "byte \(place)")
    }
    for place in signed.indices {
      var other = signed
      other[place] ^= 1
      #expect(!Self.isGenuine(key, other, signature), "byte \(place)")
    }
    for other in [[], Array(signature.dropLast()), signature + [0], [0] + signature, signature + signature] {
      #expect(!Self.isGenuine(key, signed, other), "\(other.count) bytes")
    }
    #expect(!Self.isGenuine(key, [], signature))
  }

  /// What a verifier that does not look at the range of the numbers takes for good (CVE-2022-21449).
  @Test func signaturesOfExtremeNumbersAreNot() throws {
    let key = try Self.key(Self.curveKey)
    let (signed, _) = try Self.parts(Self.curveToken)
    for (first, second) in [(0, 0), (0, 1), (1, 0), (255, 255), (0, 255), (255, 0)] as [(UInt8, UInt8)] {
      let numbers = [UInt8](repeating: first, count: 32) + [UInt8](repeating: second, count: 32)
      #expect(!Self.isGenuine(key, signed, numbers))
    }
  }

  /// One in 256 numbers of a signature begins with a zero byte, one in two with a bit that DER takes for a sign.
  @Test func signaturesWithAnyFirstByteAreGenuine() throws {
    let mint = try TokenMint(.p256)
    let key = try Self.key(mint.jwk())
    var hasZero = false
    var count = 0
    while count < 400 || (!hasZero && count < 5_000) {
      let signed = Array("message \(count)".utf8)
      let signature = try mint.sign(signed)
      hasZero = hasZero || signature[0] == 0 || signature[32] == 0
      #expect(Self.isGenuine(key, signed, signature), "\(signature)")
      count += 1
    }
    #expect(hasZero)
  }

  @Test(arguments: TokenMint.Kind.allCases) func newKeysSignAndAnotherDoesNot(_ kind: TokenMint.Kind) throws {
    let (mint, other) = (try TokenMint(kind), try TokenMint(kind))
    let key = try Self.key(mint.jwk())
    let message = Array("what is signed".utf8)
    #expect(Self.isGenuine(key, message, try mint.sign(message)))
    #expect(!Self.isGenuine(key, message, try other.sign(message)))
  }

  @Test func aPointBesideTheCurveIsNoKey() throws {
    let beside = Self.curveKey.replacing("x_FEzRu9m36", with: "x_FEzRu9m37")
    let failure = #expect(throws: TokenKeySet.Failure.self) { try Self.key(beside) }
    #expect(failure?.description.contains("it is not a valid key") == true, "\(String(describing: failure))")
    let zero = TokenMint.base64([UInt8](repeating: 0, count: 32))
    let nowhere =
      "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"\(zero)\",\"y\":\"\(zero)\"}"
    #expect(throws: TokenKeySet.Failure.self) { try Self.key(nowhere) }
  }
}
